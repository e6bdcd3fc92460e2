import {
  type AlertId,
  type AssetId,
  type DeviceId,
  isDeviceId,
  type ProfileId,
  type RuleId,
  type SiteId,
} from './ids.ts'
import type { Metric } from './profile.ts'

/** What control frames carry: the parts of state that a replay of the log must meet in order. */

/** A device attribute; rules compare with numbers and strings. */
export type Attributes = Readonly<Record<string, string | number | boolean>>

export interface SiteRecord {
  readonly id: SiteId
  readonly name: string
  /** IANA time zone: days, months and tariff hours are this zone's. */
  readonly timeZone: string
  /** ISO 4217. */
  readonly currency: string
}

export interface ProfileRecord {
  readonly id: ProfileId
  readonly name: string
  /** How often its devices report; silence is measured in multiples of it. */
  readonly reportingIntervalMs: number
  readonly metrics: readonly Metric[]
}

/** Undefined: the platform's default. */
export interface DeviceLimits {
  /** 0: no limit. At the limit the socket is read more slowly; nothing is dropped. */
  readonly messagesPerS?: number
  readonly payloadBytes?: number
  readonly topicLevels?: number
  readonly metrics?: number
}

/** A device that is kept out: it does not get in, and nothing that is sent for it counts. */
export interface Quarantine {
  readonly reason: string
  readonly sinceMs: number
  /** Id of the principal who put it there. */
  readonly by: string
}

export interface DeviceRecord {
  readonly id: DeviceId
  /** Small integer that stands for the device in stored rows; never reused. */
  readonly number: number
  readonly siteId: SiteId
  readonly profileId: ProfileId
  readonly assetId: AssetId | null
  /** The device that may publish for this one. */
  readonly gatewayId: DeviceId | null
  readonly name: string
  readonly attributes: Attributes
  readonly tags: readonly string[]
  readonly limits: DeviceLimits
  /** Undefined: it is in none. */
  readonly quarantine?: Quarantine
}

/** Topic of a control frame. An empty payload says that the record is gone. */
export const controlTopic = {
  site: (id: SiteId) => `site/${id}`,
  profile: (id: ProfileId) => `profile/${id}`,
  device: (id: DeviceId) => `device/${id}`,
  rule: (id: RuleId) => `rule/${id}`,
  alert: (id: AlertId) => `alert/${id}`,
  /** Of a device id, or `key:{id}`. */
  credential: (principal: string) => `credential/${principal}`,
}

/**
 * Payload of a control frame `credential/{principal}`: secrets that are to be good for nothing from a moment on. Whoever
 * is connected by one of them is cut off then.
 */
export interface CredentialEnds {
  readonly principal: string
  readonly ends: readonly { readonly secretId: string; readonly endsMs: number }[]
}

/** The device that this control frame says is gone. */
export function removedDevice(topic: string, payload: Uint8Array): DeviceId | undefined {
  const [kind, id, ...rest] = topic.split('/')
  if (payload.length > 0 || kind !== 'device' || id === undefined || rest.length > 0) return undefined
  return isDeviceId(id) ? id : undefined
}
