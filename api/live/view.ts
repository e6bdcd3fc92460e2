import type { LiveSelection } from '../../ingest/index.ts'
import {
  type AlertState,
  type DeviceId,
  type MetricName,
  maySee,
  type Severity,
  type SiteId,
  type SiteScope,
} from '../../model/index.ts'
import type { Scope } from '../scopes.ts'

export const liveKinds = ['alerts', 'rejected', 'presence', 'values'] as const
export type LiveKind = (typeof liveKinds)[number]

/** What a narrowed key needs for each. */
export const scopeOfKind: Readonly<Record<LiveKind, Scope>> = {
  alerts: 'alerts:read',
  rejected: 'devices:read',
  presence: 'devices:read',
  values: 'readings:read',
}

/** What one stream shows. Streams that show the same share what is made for them. */
export interface View {
  /** What its owner may see, and has asked for. */
  readonly sites: SiteScope
  readonly kinds: readonly LiveKind[]
  readonly devices?: readonly DeviceId[] | undefined
  readonly metrics?: readonly MetricName[] | undefined
  readonly severities?: readonly Severity[] | undefined
  readonly state?: AlertState | undefined
  readonly reason?: string | undefined
}

/** The same text for the same view. */
export function keyOf({ sites, kinds, devices, metrics, severities, state, reason }: View): string {
  return JSON.stringify([sites, kinds, devices, metrics, severities, state, reason])
}

/** A site that may not be seen is one without devices. */
export function narrowed(sites: SiteScope, site: SiteId | undefined): SiteScope {
  if (site === undefined) return sites
  return maySee(sites, site) ? [site] : []
}

/** What belongs to no site is for those who may see them all. */
export function shows({ sites, devices }: View, siteId: SiteId | null, deviceId: DeviceId | null): boolean {
  const seen = siteId === null ? sites === 'all' : maySee(sites, siteId)
  return seen && (devices === undefined || (deviceId !== null && devices.includes(deviceId)))
}

export function selectionOf({ sites, devices, metrics }: View): LiveSelection {
  return { sites, devices, metrics }
}
