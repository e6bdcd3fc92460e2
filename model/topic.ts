import { AppError } from './errors.ts'
import { type DeviceId, isDeviceId } from './ids.ts'

export const nativePrefix = 'pel/v1/'

export const nativeTopic = {
  telemetry: (id: DeviceId) => `${nativePrefix}${id}/telemetry`,
  status: (id: DeviceId) => `${nativePrefix}${id}/status`,
  info: (id: DeviceId) => `${nativePrefix}${id}/info`,
  command: (id: DeviceId, commandId: string) => `${nativePrefix}${id}/commands/${commandId}`,
}

/** What a published topic means, and for which device. */
export type TopicMeaning =
  | { readonly kind: 'telemetry'; readonly deviceId: DeviceId }
  | { readonly kind: 'status'; readonly deviceId: DeviceId }
  | { readonly kind: 'info'; readonly deviceId: DeviceId }
  | { readonly kind: 'command-ack'; readonly deviceId: DeviceId; readonly commandId: string }
  | { readonly kind: 'scalar'; readonly deviceId: DeviceId; readonly metric: string }

/**
 * One value per topic, from devices that are not ours: `panel/{device}/{metric}` and the like. Levels other than the
 * two placeholders match themselves.
 */
export interface ScalarTopic {
  readonly pattern: string
  readonly levels: readonly string[]
  readonly deviceLevel: number
  readonly metricLevel: number
}

export function parseScalarTopic(pattern: string): ScalarTopic {
  const levels = pattern.split('/')
  const deviceLevel = levels.indexOf('{device}')
  const metricLevel = levels.indexOf('{metric}')
  const stray = levels.some((level, i) => /[+#{}]/.test(level) && i !== deviceLevel && i !== metricLevel)
  if (deviceLevel < 0 || metricLevel < 0 || stray || pattern.startsWith('$') || pattern.startsWith(nativePrefix))
    throw new AppError(
      'invalid_input',
      `parse scalar topic ${JSON.stringify(pattern)} failed: needs {device} and {metric}, each once`,
    )
  return { pattern, levels, deviceLevel, metricLevel }
}

export interface TopicRules {
  readonly scalarTopics: readonly ScalarTopic[]
  /** Other people's metric names → ours, for scalar topics: `volt` → `voltage`. */
  readonly metricNames: ReadonlyMap<string, string>
}

/** Undefined: a topic that means nothing to us. The same answer decides what the broker admits and what ingest reads. */
export function resolveTopic(topic: string, rules: TopicRules): TopicMeaning | undefined {
  return topic.startsWith(nativePrefix) ? resolveNative(topic) : resolveScalar(topic, rules)
}

function resolveNative(topic: string): TopicMeaning | undefined {
  const [deviceId, kind, commandId, ack, ...rest] = topic.slice(nativePrefix.length).split('/')
  if (deviceId === undefined || !isDeviceId(deviceId) || rest.length > 0) return undefined
  if (kind === 'commands')
    return commandId !== undefined && commandId !== '' && ack === 'ack'
      ? { kind: 'command-ack', deviceId, commandId }
      : undefined
  if (commandId !== undefined) return undefined
  if (kind === 'telemetry' || kind === 'status' || kind === 'info') return { kind, deviceId }
  return undefined
}

function resolveScalar(topic: string, rules: TopicRules): TopicMeaning | undefined {
  const levels = topic.split('/')
  for (const rule of rules.scalarTopics) {
    if (levels.length !== rule.levels.length) continue
    const matches = rule.levels.every(
      (level, i) => i === rule.deviceLevel || i === rule.metricLevel || level === levels[i],
    )
    const deviceId = levels[rule.deviceLevel]
    const metric = levels[rule.metricLevel]
    if (!matches || deviceId === undefined || metric === undefined || !isDeviceId(deviceId)) continue
    return { kind: 'scalar', deviceId, metric: rules.metricNames.get(metric) ?? metric }
  }
  return undefined
}
