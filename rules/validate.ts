import {
  type FieldError,
  findMetric,
  isNoData,
  type MetricName,
  type NoDataCondition,
  type ProfileRecord,
  type RuleLevel,
  type RuleRecord,
  severities,
  type ThresholdCondition,
} from '../model/index.ts'

/** What somebody wants to make a rule. */
export type RuleDraft = Pick<RuleRecord, 'condition' | 'forMs' | 'keepFiringForMs'>

/** What a rule's target can measure. */
export interface RuleReach {
  /** Profiles of the devices that the rule applies to; a metric has to be known to one of them. */
  readonly profiles: readonly ProfileRecord[]
  /** Metrics that those devices have sent although no profile knows them. */
  readonly discovered?: readonly MetricName[]
}

/** Ninety days: what would have to hold longer is a report, not an alert. */
const maxHoldMs = 90 * 24 * 3_600_000
const maxIntervals = 10_000

/** Everything that is wrong with it; fields are paths such as `condition/levels/1/clear`. */
export function validateRule(rule: RuleDraft, reach: RuleReach): FieldError[] {
  const { condition } = rule
  const errors = isNoData(condition) ? noDataErrors(condition, rule) : thresholdErrors(condition, reach)
  for (const field of ['forMs', 'keepFiringForMs'] as const) {
    const ms = rule[field]
    if (!Number.isInteger(ms) || ms < 0 || ms > maxHoldMs)
      errors.push({ field, message: `must be a whole number from 0 to ${maxHoldMs}` })
  }
  return errors
}

function noDataErrors({ noData }: NoDataCondition, rule: RuleDraft): FieldError[] {
  const errors: FieldError[] = []
  if (!Number.isInteger(noData.intervals) || noData.intervals < 1 || noData.intervals > maxIntervals)
    errors.push({ field: 'condition/noData/intervals', message: `must be a whole number from 1 to ${maxIntervals}` })
  // A duration beside the duration would be a setting that does nothing.
  if (rule.forMs > 0) errors.push({ field: 'forMs', message: 'must be 0: the intervals say how long' })
  if (rule.keepFiringForMs > 0)
    errors.push({ field: 'keepFiringForMs', message: 'must be 0: the first message ends the silence' })
  return errors
}

function thresholdErrors(condition: ThresholdCondition, reach: RuleReach): FieldError[] {
  const { metric, levels } = condition
  const errors: FieldError[] = []
  const known =
    reach.profiles.some((profile) => findMetric(profile, metric) !== undefined) ||
    (reach.discovered ?? []).includes(metric)
  if (!known)
    errors.push({ field: 'condition/metric', message: `${metric} is not a metric of what the rule applies to` })
  if (levels.length < 1 || levels.length > severities.length)
    errors.push({ field: 'condition/levels', message: `must have 1 to ${severities.length} levels` })
  levels.forEach((level, i) => {
    errors.push(...levelErrors(condition, level, `condition/levels/${i}`))
  })
  errors.push(...orderErrors(condition))
  return errors
}

function levelErrors({ op }: ThresholdCondition, { value, clear }: RuleLevel, path: string): FieldError[] {
  const errors: FieldError[] = []
  if (!Number.isFinite(value)) errors.push({ field: `${path}/value`, message: 'must be a finite number' })
  if (clear === undefined) return errors
  if (!Number.isFinite(clear)) errors.push({ field: `${path}/clear`, message: 'must be a finite number' })
  else if (furtherOut(op, clear, value))
    errors.push({ field: `${path}/clear`, message: `must be at or ${inside(op)} the level's value ${value}` })
  return errors
}

/** Severer levels lie further out, and clear no later than the milder ones. */
function orderErrors({ op, levels }: ThresholdCondition): FieldError[] {
  const errors: FieldError[] = []
  levels.forEach((level, i) => {
    const path = `condition/levels/${i}`
    if (levels.findIndex(({ severity }) => severity === level.severity) < i) {
      errors.push({ field: `${path}/severity`, message: `is ${level.severity} a second time` })
      return
    }
    for (const milder of levels) {
      if (severities.indexOf(milder.severity) >= severities.indexOf(level.severity)) continue
      if (!furtherOut(op, level.value, milder.value)) {
        const message = `must be ${outside(op)} the ${milder.severity} level's ${milder.value}`
        errors.push({ field: `${path}/value`, message })
      } else if (furtherOut(op, milder.clear ?? milder.value, level.clear ?? level.value)) {
        const message = `must not clear after the ${milder.severity} level, at ${milder.clear ?? milder.value}`
        errors.push({ field: `${path}/clear`, message })
      }
    }
  })
  return errors
}

function furtherOut(op: ThresholdCondition['op'], value: number, than: number): boolean {
  return op === '>' || op === '>=' ? value > than : value < than
}

function outside(op: ThresholdCondition['op']): string {
  return op === '>' || op === '>=' ? 'above' : 'below'
}

function inside(op: ThresholdCondition['op']): string {
  return op === '>' || op === '>=' ? 'below' : 'above'
}
