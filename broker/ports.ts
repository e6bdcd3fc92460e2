import type { DeviceId, DeviceLimits, KeyId, SiteId, SiteScope } from '../model/index.ts'

/** Who a connection is, once its credentials were found right. */
export type MqttIdentity =
  | { readonly kind: 'device'; readonly deviceId: DeviceId; readonly limits: DeviceLimits }
  /** An integrator: subscribes within its sites, never publishes. */
  | { readonly kind: 'key'; readonly keyId: KeyId; readonly sites: SiteScope }

export interface MqttCredentials {
  /** Device id, or `key:{id}` of an API key. */
  readonly username: string
  /** Device token, or the API key itself. */
  readonly password: string
}

/** What the broker asks about people and things; the app answers it from state. */
export interface BrokerAccess {
  /** Undefined: wrong or unknown; which of the two is not said. Rejects only when state cannot be read (retryable). */
  identify(credentials: MqttCredentials): Promise<MqttIdentity | undefined>
  /** From memory, on the way of every message that names another device. */
  isGatewayOf(gateway: DeviceId, device: DeviceId): boolean
  /** From memory. Undefined: no such device. */
  siteOf(device: DeviceId): SiteId | undefined
}
