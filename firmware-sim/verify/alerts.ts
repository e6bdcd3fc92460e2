import { alertsOf, type Course, describeCourse, type Step, sameCourse } from '../truth/course.ts'
import type { Expectation } from '../truth/expectations.ts'

/** A step as the platform tells it. */
export interface SeenStep extends Step {
  readonly id: number
}

/** An alert as the platform tells it. */
export interface SeenAlert {
  readonly id: string
  readonly ruleId: string
  readonly deviceId: string
  readonly metric: string | null
  /** When it began, on the series' clock. */
  readonly startedMs: number
  /** What of its timeline people are told. */
  readonly steps: readonly SeenStep[]
}

export interface AlertsVerdict {
  readonly expected: number
  readonly seen: number
  /** Missing, surplus, or of another course than what was sent allows. */
  readonly wrong: number
  /** Steps that each recipient must be told of. */
  readonly stepsExpected: number
  readonly problems: readonly string[]
}

/**
 * Compares what must have been raised with what was. Where what was sent allows several courses, the one that was seen
 * is expected if it is among them, else the likeliest.
 */
export function compareAlerts(expectations: readonly Expectation[], seen: readonly SeenAlert[]): AlertsVerdict {
  const bySubject = new Map<string, SeenAlert[]>()
  for (const alert of [...seen].sort((one, other) => one.startedMs - other.startedMs)) {
    const key = keyOf(alert)
    const alerts = bySubject.get(key)
    if (alerts === undefined) bySubject.set(key, [alert])
    else alerts.push(alert)
  }
  const counts = { expected: 0, seen: seen.length, wrong: 0, stepsExpected: 0 }
  const problems: string[] = []
  for (const expectation of expectations) {
    const alerts = bySubject.get(keyOf(expectation)) ?? []
    bySubject.delete(keyOf(expectation))
    const course = alerts.flatMap(({ steps }) => steps)
    const allowed = expectation.courses.find((each) => sameCourse(each, course))
    const expected = allowed ?? expectation.courses[0] ?? []
    counts.expected += alertsOf(expected)
    counts.stepsExpected += expected.length
    if (allowed !== undefined) continue
    counts.wrong += wrongAlerts(expected, course)
    problems.push(
      `${keyOf(expectation)}: expected ${expectation.courses.map(describeCourse).join(' or ')}; seen ${describeCourse(course)}`,
    )
  }
  for (const [key, alerts] of bySubject) {
    counts.wrong += alerts.length
    problems.push(`${key}: expected nothing; seen ${describeCourse(alerts.flatMap(({ steps }) => steps))}`)
  }
  return { ...counts, problems }
}

/** Alerts of the one course that are not in the other, place by place; at least one, for something is wrong. */
function wrongAlerts(expected: Course, seen: Course): number {
  const [one, other] = [splitAlerts(expected), splitAlerts(seen)]
  const length = Math.max(one.length, other.length)
  const wrong = Array.from({ length }, (_, i) => !sameCourse(one[i] ?? [], other[i] ?? [])).filter(Boolean)
  return Math.max(1, wrong.length)
}

function splitAlerts(course: Course): Course[] {
  const alerts: Step[][] = []
  for (const step of course) {
    const last = alerts.at(-1)
    if (step.kind === 'firing' || last === undefined) alerts.push([step])
    else last.push(step)
  }
  return alerts
}

function keyOf({ ruleId, deviceId, metric }: Pick<Expectation, 'ruleId' | 'deviceId' | 'metric'>): string {
  return metric === null ? `${ruleId} of ${deviceId}` : `${ruleId} of ${deviceId} ${metric}`
}
