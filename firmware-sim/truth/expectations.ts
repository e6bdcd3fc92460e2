import type { Courses } from './course.ts'
import type { DeviceHistory } from './history.ts'
import { coursesOfSilence } from './no-data.ts'
import { type ForetoldRule, isThreshold, watches } from './rule.ts'
import type { Span } from './span.ts'
import { coursesOfThreshold } from './threshold.ts'

/** What one rule must have raised for one subject: a series, or (no metric) the device. */
export interface Expectation {
  readonly ruleId: string
  readonly deviceId: string
  readonly metric: string | null
  readonly courses: Courses
}

/** What must come of it, from what was sent and the rules alone. */
export function expectAlerts(
  devices: readonly DeviceHistory[],
  rules: readonly ForetoldRule[],
  asked: Span,
): Expectation[] {
  return devices.flatMap((device) =>
    rules
      .filter((rule) => watches(rule, device))
      .map((rule) => {
        const { condition } = rule
        const metric = isThreshold(condition) ? condition.metric : null
        const courses = isThreshold(condition)
          ? coursesOfThreshold(device, rule, condition, asked)
          : coursesOfSilence(device, rule, condition, asked)
        return { ruleId: rule.id, deviceId: device.deviceId, metric, courses }
      }),
  )
}
