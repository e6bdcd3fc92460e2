import type { Course, Courses, Step } from './course.ts'
import { mostCourses } from './course.ts'
import { type DeviceHistory, receivedSpan } from './history.ts'
import type { ForetoldRule, NoDataCondition } from './rule.ts'
import { between, type Span } from './span.ts'

/**
 * What silence must raise: armed from the registration, or from when the rule began to apply; every message starts the
 * time anew; one that comes after it was over ends the alert. `asked`: when the platform was asked what it raised.
 */
export function coursesOfSilence(
  device: DeviceHistory,
  rule: ForetoldRule,
  condition: NoDataCondition,
  asked: Span,
): Courses {
  const { intervals, severity } = condition.noData
  const allowedMs = intervals * device.reportingIntervalMs + rule.forMs
  const firing: Step = { kind: 'firing', severity, value: null }
  const resolved: Step = { kind: 'resolved', severity, value: null }
  let courses: Course[] = [[]]
  let lastHeard = rule.since === undefined ? device.registered : later(device.registered, rule.since)

  function extend(steps: readonly Step[], silence: { readonly leastMs: number; readonly mostMs: number }): void {
    if (silence.mostMs < allowedMs) return
    const raised = courses.map((course) => [...course, ...steps])
    courses = silence.leastMs >= allowedMs ? raised : [...courses, ...raised].slice(0, mostCourses)
  }

  for (const message of device.messages) {
    const received = receivedSpan(message)
    if (message.will === true) {
      // It may have come at once, or late, or not at all: the silence is counted from the one or from the other.
      lastHeard = { fromMs: lastHeard.fromMs, toMs: Math.max(lastHeard.toMs, received.toMs) }
      continue
    }
    extend([firing, resolved], between(lastHeard, received))
    lastHeard = received
  }
  extend([firing], between(lastHeard, asked))
  return courses
}

function later(one: Span, other: Span): Span {
  return { fromMs: Math.max(one.fromMs, other.fromMs), toMs: Math.max(one.toMs, other.toMs) }
}
