import { z } from 'zod'
import { comparisons, severities } from '../../model/index.ts'
import type { DeviceHistory } from './history.ts'
import type { Span } from './span.ts'

const level = z.object({ severity: z.enum(severities), value: z.number(), clear: z.number().nullish() })
const threshold = z.object({ metric: z.string(), op: z.enum(comparisons), levels: z.array(level).min(1) })
const noData = z.object({ noData: z.object({ intervals: z.number(), severity: z.enum(severities) }) })

/** A rule as the API tells it; kinds of conditions that this simulator cannot foretell are left out by `foretold`. */
export const ruleSchema = z.object({
  id: z.string(),
  name: z.string(),
  enabled: z.boolean(),
  appliesTo: z.object({ device: z.string(), profile: z.string(), site: z.string() }).partial(),
  condition: z.union([threshold, noData, z.looseObject({})]),
  forMs: z.number(),
  keepFiringForMs: z.number(),
})

type ApiRule = z.infer<typeof ruleSchema>
export type ThresholdCondition = z.infer<typeof threshold>
export type NoDataCondition = z.infer<typeof noData>

/** A rule that held unchanged since `since`, which is before anything that it is asked about unless it says otherwise. */
export interface ForetoldRule extends Omit<ApiRule, 'condition'> {
  readonly condition: ThresholdCondition | NoDataCondition
  /** When it began to apply; undefined: long ago. */
  readonly since: Span | undefined
}

/** Undefined: not enabled, or of a kind that is not known here. */
export function foretold(rule: ApiRule, since: Span | undefined): ForetoldRule | undefined {
  const condition = threshold.or(noData).safeParse(rule.condition)
  return rule.enabled && condition.success ? { ...rule, condition: condition.data, since } : undefined
}

export function watches({ appliesTo }: ForetoldRule, device: DeviceHistory): boolean {
  return (
    appliesTo.device === device.deviceId || appliesTo.profile === device.profileId || appliesTo.site === device.siteId
  )
}

export function isThreshold(condition: ForetoldRule['condition']): condition is ThresholdCondition {
  return 'metric' in condition
}
