import { type Comparison, type Severity, severities } from '../../model/index.ts'
import { type Course, type Courses, mostCourses, type Step } from './course.ts'
import { type DeviceHistory, receivedSpan } from './history.ts'
import type { ForetoldRule, ThresholdCondition } from './rule.ts'
import { between, type Span } from './span.ts'

/** A last value holds for so many reporting intervals. */
const valueHoldsIntervals = 3

interface Level {
  readonly severity: Severity
  readonly value: number
  readonly clear: number
}

interface Limits {
  readonly op: Comparison
  /** From the mildest to the severest. */
  readonly levels: readonly Level[]
  readonly forMs: number
  readonly keepFiringForMs: number
  readonly valueHoldsMs: number
}

/** A level that holds: since when, and whether it has held long enough; then it counts until it ceases. */
interface Held {
  readonly sinceMs: number
  readonly counts: boolean
}

/** One way in which it may have gone so far. All times are the series' clock's. */
interface Branch {
  readonly steps: Course
  /** Per level; undefined: it does not hold. */
  readonly held: readonly (Held | undefined)[]
  readonly firing: Severity | undefined
  /** While firing: since when no level has held. */
  readonly clearSinceMs: number | undefined
  /** Newest reading that the rule saw. */
  readonly lastMs: number
  readonly lastValue: number
  readonly lastReceived: Span
  /** How far time has passed since. */
  readonly passedMs: number
  /** Time of the newest reading of the series; a span where it was stored at its arrival. */
  readonly newest: Span
}

const longAgo: Span = { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.NEGATIVE_INFINITY }

/**
 * What a rule with limits must raise for the readings that were sent: a reading that is not newer than the newest of its
 * series, or whose clock was too far ahead, does not count. `asked`: when the platform was asked what it raised.
 */
export function coursesOfThreshold(
  device: DeviceHistory,
  rule: ForetoldRule,
  condition: ThresholdCondition,
  asked: Span,
): Courses {
  const limits = limitsOf(device, rule, condition)
  let branches: readonly Branch[] = [
    {
      steps: [],
      held: limits.levels.map(() => undefined),
      firing: undefined,
      clearSinceMs: undefined,
      lastMs: Number.NEGATIVE_INFINITY,
      lastValue: 0,
      lastReceived: longAgo,
      passedMs: Number.NEGATIVE_INFINITY,
      newest: longAgo,
    },
  ]
  for (const message of device.messages) {
    const received = receivedSpan(message)
    for (const { timeMs, values, clock } of message.rows) {
      const value = values[condition.metric]
      if (value === undefined) continue
      const time = clock === 'ahead' ? received : { fromMs: timeMs, toMs: timeMs }
      branches = distinct(
        branches.flatMap((branch) =>
          message.ackedMs === undefined ? [branch, ...arrive(branch, time)] : arrive(branch, time),
        ),
      ).slice(0, mostCourses)

      function arrive(branch: Branch, at: Span): Branch[] {
        if (clock === 'ahead') return [{ ...branch, newest: at }]
        const taken = () =>
          passTime(branch, limits, received).map((then) =>
            takeReading({ ...then, newest: at, lastReceived: received }, limits, timeMs, value ?? 0),
          )
        if (at.fromMs > branch.newest.toMs) return taken()
        return at.fromMs <= branch.newest.fromMs ? [branch] : [branch, ...taken()]
      }
    }
  }
  return branches.flatMap((branch) => passTime(branch, limits, asked)).map(({ steps }) => steps)
}

/** Branches that have met again are one. */
function distinct(branches: readonly Branch[]): readonly Branch[] {
  if (branches.length < 2) return branches
  return [...new Map(branches.map((branch) => [JSON.stringify(branch), branch])).values()]
}

function limitsOf(device: DeviceHistory, rule: ForetoldRule, { op, levels }: ThresholdCondition): Limits {
  return {
    op,
    levels: levels
      .map(({ severity, value, clear }) => ({ severity, value, clear: clear ?? value }))
      .sort((one, other) => severities.indexOf(one.severity) - severities.indexOf(other.severity)),
    forMs: rule.forMs,
    keepFiringForMs: rule.keepFiringForMs,
    valueHoldsMs: valueHoldsIntervals * device.reportingIntervalMs,
  }
}

/** What becomes due on the series' clock until the platform receives something at `until`; in each way that is possible. */
function passTime(branch: Branch, limits: Limits, until: Span): Branch[] {
  const dueMs = nextDueMs(branch, limits)
  if (dueMs === undefined) return [branch]
  const { leastMs, mostMs } = between(branch.lastReceived, until)
  if (dueMs > branch.lastMs + mostMs) return [branch]
  const passed = passTime(fallDue(branch, limits, dueMs), limits, until)
  return dueMs <= branch.lastMs + leastMs ? passed : [branch, ...passed]
}

/** Undefined: time alone changes nothing. */
function nextDueMs({ held, firing, lastMs, clearSinceMs, passedMs }: Branch, limits: Limits): number | undefined {
  if (clearSinceMs !== undefined) return clearSinceMs + limits.keepFiringForMs
  const heldUntilMs = lastMs + limits.valueHoldsMs
  const waiting = held.flatMap((level) => (level === undefined || level.counts ? [] : [level.sinceMs + limits.forMs]))
  const due = waiting.filter((dueMs) => dueMs <= heldUntilMs && dueMs > passedMs)
  // What is pending when nobody knows the value any more is over.
  if (waiting.length > 0 && firing === undefined) due.push(heldUntilMs + 1)
  return due.length === 0 ? undefined : Math.min(...due)
}

function fallDue(branch: Branch, limits: Limits, dueMs: number): Branch {
  const over = branch.firing === undefined && dueMs > branch.lastMs + limits.valueHoldsMs
  const held = over ? branch.held.map(() => undefined) : count(branch.held, limits, dueMs)
  return settle({ ...branch, held, passedMs: dueMs }, limits, dueMs)
}

function takeReading(before: Branch, limits: Limits, timeMs: number, value: number): Branch {
  // Until then the last value held: what that made due comes first.
  let branch = before
  for (let due = nextDueMs(branch, limits); due !== undefined && due <= timeMs; due = nextDueMs(branch, limits))
    branch = fallDue(branch, limits, due)
  const silent = timeMs > branch.lastMs + limits.valueHoldsMs
  const held = limits.levels.map((level, i) => {
    const known = branch.held[i]
    // What had not counted before a silence begins anew.
    const since = silent && known?.counts === false ? undefined : known
    const holds = isBeyond(limits.op, value, since === undefined ? level.value : level.clear)
    return holds ? (since ?? { sinceMs: timeMs, counts: false }) : undefined
  })
  const taken = { ...branch, lastMs: timeMs, lastValue: value, passedMs: timeMs }
  return settle({ ...taken, held: count(held, limits, timeMs) }, limits, timeMs)
}

/** The levels that hold, with those counting that have held long enough. */
function count(held: Branch['held'], limits: Limits, nowMs: number): Branch['held'] {
  return held.map((level) =>
    level === undefined ? undefined : { ...level, counts: level.counts || nowMs - level.sinceMs >= limits.forMs },
  )
}

/** Brings the alert in line with its levels. */
function settle(branch: Branch, limits: Limits, nowMs: number): Branch {
  const { firing, steps, lastValue } = branch
  const told = (step: Step): Course => [...steps, step]
  const counting = limits.levels.findLast((_, i) => branch.held[i]?.counts)?.severity
  if (firing === undefined) {
    if (counting === undefined) return branch
    return { ...branch, firing: counting, steps: told({ kind: 'firing', severity: counting, value: lastValue }) }
  }
  if (branch.held.some((level) => level !== undefined)) {
    // What holds again, but not for long enough, leaves the severity as it is.
    const on = { ...branch, clearSinceMs: undefined }
    if (counting === undefined || counting === firing) return on
    return { ...on, firing: counting, steps: told({ kind: 'severity', severity: counting, value: lastValue }) }
  }
  const clearSinceMs = branch.clearSinceMs ?? nowMs
  if (nowMs - clearSinceMs < limits.keepFiringForMs) return { ...branch, clearSinceMs }
  const resolved: Step = { kind: 'resolved', severity: firing, value: lastValue }
  return { ...branch, firing: undefined, clearSinceMs: undefined, steps: told(resolved) }
}

function isBeyond(op: Comparison, value: number, limit: number): boolean {
  switch (op) {
    case '>':
      return value > limit
    case '>=':
      return value >= limit
    case '<':
      return value < limit
    case '<=':
      return value <= limit
    default:
      return op satisfies never
  }
}
