import type { Severity } from '../../model/index.ts'

/** One step of an alert that people are told about. */
export interface Step {
  readonly kind: 'firing' | 'severity' | 'resolved'
  /** Of a `resolved`: what it was before. */
  readonly severity: Severity
  /** The reading's value when it came to this; null: no reading decided. */
  readonly value: number | null
}

/** All steps of one rule and one subject, alert after alert. */
export type Course = readonly Step[]

/**
 * Courses that all fit what was sent. There is more than one where the outcome hangs on a moment that only the platform
 * knows, such as when exactly a message arrived; the first is the likeliest.
 */
export type Courses = readonly Course[]

/** Beyond so many the least likely ones are forgotten. */
export const mostCourses = 64

/** How many alerts a course has. */
export function alertsOf(course: Course): number {
  return course.filter(({ kind }) => kind === 'firing').length
}

export function sameCourse(one: Course, other: Course): boolean {
  return (
    one.length === other.length &&
    one.every(({ kind, severity, value }, i) => {
      const step = other[i]
      return step !== undefined && step.kind === kind && step.severity === severity && step.value === value
    })
  )
}

export function describeCourse(course: Course): string {
  if (course.length === 0) return 'nothing'
  return course
    .map(({ kind, severity, value }) => {
      const at = value === null ? '' : ` at ${value}`
      return kind === 'resolved' ? `${kind}${at}` : `${kind} ${severity}${at}`
    })
    .join(', ')
}
