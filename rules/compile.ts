import {
  type Comparison,
  isNoData,
  type MetricName,
  type NoDataCondition,
  type RuleRecord,
  type Severity,
  severities,
  type ThresholdCondition,
} from '../model/index.ts'
import { CalmColumns } from './calm.ts'
import type { WatchedProfile } from './records.ts'

/** A level as it is judged. */
export interface CompiledLevel {
  /** Index of its severity in `severities`. */
  readonly rank: number
  readonly severity: Severity
  /** It begins to hold beyond this … */
  readonly value: number
  /** … and holds as long as the value is beyond this. */
  readonly clear: number
}

/** One version of a threshold rule, for the devices of one profile. */
export interface ThresholdRule {
  readonly record: RuleRecord
  readonly metric: MetricName
  readonly op: Comparison
  /** Mildest first. */
  readonly levels: readonly CompiledLevel[]
  readonly beyond: (value: number, limit: number) => boolean
  readonly forMs: number
  readonly keepFiringForMs: number
  /** UCUM; empty for a metric that the profile does not know. */
  readonly unit: string
}

/** One version of a no-data rule, for the devices of one profile. */
export interface NoDataRule {
  readonly record: RuleRecord
  readonly severity: Severity
  readonly intervals: number
  readonly intervalMs: number
}

/** All that watches one series. */
export interface SeriesPlan {
  /** By rule id. */
  readonly rules: readonly ThresholdRule[]
  /** Inclusive: as long as no level holds, a value in here makes none hold. */
  readonly safeMin: number
  readonly safeMax: number
  /** How long a value holds after it was measured. */
  readonly holdMs: number
}

/** All that watches one device. */
export interface DevicePlan {
  readonly series: ReadonlyMap<MetricName, SeriesPlan>
  /** The bands of `series`, as ingest compares them. */
  readonly calm: CalmColumns
  /** By rule id. */
  readonly noData: readonly NoDataRule[]
}

/** A value holds for three reporting intervals. */
const intervalsHeld = 3

/** `rules` in order of their ids. Without a profile nothing is known of units, and silence cannot be told. */
export function compilePlan(rules: readonly RuleRecord[], profile: WatchedProfile | undefined): DevicePlan {
  const bySeries = new Map<MetricName, ThresholdRule[]>()
  const noData: NoDataRule[] = []
  for (const record of rules) {
    const { condition } = record
    if (isNoData(condition)) {
      if (profile !== undefined) noData.push(compileNoData(record, condition, profile.reportingIntervalMs))
      continue
    }
    const unit = profile?.metrics.find(({ name }) => name === condition.metric)?.unit ?? ''
    const others = bySeries.get(condition.metric)
    const compiled = compileThreshold(record, condition, unit)
    if (others === undefined) bySeries.set(condition.metric, [compiled])
    else others.push(compiled)
  }
  const holdMs = intervalsHeld * (profile?.reportingIntervalMs ?? Number.POSITIVE_INFINITY)
  const series = new Map([...bySeries].map(([metric, compiled]) => [metric, seriesPlan(compiled, holdMs)] as const))
  return { series, calm: new CalmColumns(series), noData }
}

function compileThreshold(record: RuleRecord, condition: ThresholdCondition, unit: string): ThresholdRule {
  const { metric, op } = condition
  const levels = condition.levels
    .map(({ severity, value, clear }) => ({
      rank: severities.indexOf(severity),
      severity,
      value,
      clear: clear ?? value,
    }))
    .sort((a, b) => a.rank - b.rank)
  const { forMs, keepFiringForMs } = record
  return { record, metric, op, levels, beyond: comparisons[op], forMs, keepFiringForMs, unit }
}

function compileNoData(record: RuleRecord, { noData }: NoDataCondition, intervalMs: number): NoDataRule {
  return { record, severity: noData.severity, intervals: noData.intervals, intervalMs }
}

function seriesPlan(rules: readonly ThresholdRule[], holdMs: number): SeriesPlan {
  let safeMin = Number.NEGATIVE_INFINITY
  let safeMax = Number.POSITIVE_INFINITY
  for (const { op, levels } of rules) {
    for (const { value } of levels) {
      if (op === '>') safeMax = Math.min(safeMax, value)
      else if (op === '>=') safeMax = Math.min(safeMax, nextBelow(value))
      else if (op === '<') safeMin = Math.max(safeMin, value)
      else safeMin = Math.max(safeMin, -nextBelow(-value))
    }
  }
  return { rules, safeMin, safeMax, holdMs }
}

const comparisons: Readonly<Record<Comparison, (value: number, limit: number) => boolean>> = {
  '>': (value, limit) => value > limit,
  '>=': (value, limit) => value >= limit,
  '<': (value, limit) => value < limit,
  '<=': (value, limit) => value <= limit,
}

/** The largest double below `value`, which is finite. */
function nextBelow(value: number): number {
  if (value === 0) return -Number.MIN_VALUE
  const bits = new DataView(new ArrayBuffer(8))
  bits.setFloat64(0, value)
  // Doubles of one sign are ordered like their bits.
  bits.setBigInt64(0, bits.getBigInt64(0) + (value > 0 ? -1n : 1n))
  return bits.getFloat64(0)
}
