import {
  type DeviceId,
  isDeviceId,
  maySee,
  nativePrefix,
  resolveTopic,
  type ScalarTopic,
  type SiteId,
  type TopicRules,
} from '../model/index.ts'
import type { BrokerAccess, MqttIdentity } from './ports.ts'

/** The name under which a principal connects, appears in the log, and owns its client identifiers. */
export function principalOf(identity: MqttIdentity): string {
  return identity.kind === 'device' ? identity.deviceId : `key:${identity.keyId}`
}

/** A device acts for itself and for the devices whose gateway it is. */
export function actsFor(access: BrokerAccess, device: DeviceId, subject: DeviceId): boolean {
  return device === subject || access.isGatewayOf(device, subject)
}

/** Of an identity what its rights follow from. */
type Claimant = { readonly kind: 'device'; readonly deviceId: DeviceId } | { readonly kind: 'key' }

/** `deviceId`: of whom the topic tells; undefined: a topic that means nothing. Integrators never publish. */
export function mayPublish(access: BrokerAccess, identity: Claimant, deviceId: DeviceId | undefined): boolean {
  return deviceId !== undefined && identity.kind === 'device' && actsFor(access, identity.deviceId, deviceId)
}

/**
 * A device subscribes below `pel/v1/{own or child id}/`; an integrator anywhere below `pel/v1/` and where scalar topics
 * can be, and is then sent what its sites allow. Neither sees `$SYS`.
 */
export function maySubscribe(access: BrokerAccess, rules: TopicRules, identity: MqttIdentity, filter: string): boolean {
  const levels = filter.split('/')
  const [pel, v1, subject] = levels
  const isNative = pel === 'pel' && v1 === 'v1' && subject !== undefined
  if (identity.kind === 'key') return isNative || rules.scalarTopics.some((scalar) => canMatch(levels, scalar))
  return isNative && levels.length > 3 && isDeviceId(subject) && actsFor(access, identity.deviceId, subject)
}

/** Whether some topic of the pattern matches the filter. */
function canMatch(filter: readonly string[], scalar: ScalarTopic): boolean {
  for (const [i, level] of filter.entries()) {
    if (level === '#') return true
    const isPlaceholder = i === scalar.deviceLevel || i === scalar.metricLevel
    if (i >= scalar.levels.length || (level !== '+' && !isPlaceholder && level !== scalar.levels[i])) return false
  }
  return filter.length === scalar.levels.length
}

/** Filters for every topic that tells of a device. */
export function filtersAbout(device: DeviceId, rules: TopicRules): readonly string[] {
  const scalar = rules.scalarTopics.map(({ levels, deviceLevel, metricLevel }) =>
    levels.map((level, i) => (i === deviceLevel ? device : i === metricLevel ? '+' : level)).join('/'),
  )
  return [`${nativePrefix}${device}/#`, ...scalar]
}

/** Whom a topic is about, whoever publishes it. */
export type TopicSubject =
  | { readonly kind: 'device'; readonly deviceId: DeviceId }
  | { readonly kind: 'site'; readonly siteId: SiteId }

export function subjectOf(topic: string, rules: TopicRules): TopicSubject | undefined {
  if (!topic.startsWith(nativePrefix)) {
    const deviceId = resolveTopic(topic, rules)?.deviceId
    return deviceId === undefined ? undefined : { kind: 'device', deviceId }
  }
  const [subject, siteId] = topic.slice(nativePrefix.length).split('/')
  if (subject === 'alerts') return siteId === undefined ? undefined : { kind: 'site', siteId: siteId as SiteId }
  return subject !== undefined && isDeviceId(subject) ? { kind: 'device', deviceId: subject } : undefined
}

/** Asked for every message on its way to every subscriber: rights may have changed since it subscribed. */
export function mayReceive(access: BrokerAccess, identity: MqttIdentity, subject: TopicSubject | undefined): boolean {
  if (subject === undefined) return false
  if (identity.kind === 'device')
    return subject.kind === 'device' && actsFor(access, identity.deviceId, subject.deviceId)
  const siteId = subject.kind === 'site' ? subject.siteId : access.siteOf(subject.deviceId)
  return siteId !== undefined && maySee(identity.sites, siteId)
}
