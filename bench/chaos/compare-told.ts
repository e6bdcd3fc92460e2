import type { Course, Expectation, SeenAlert, SeenMail } from '../../firmware-sim/index.ts'

/** One mail as its server got it. */
export interface DeliveredMail {
  readonly messageId: string
  readonly recipient: string
}

export interface ToldVerdict {
  /** Steps of alerts that follow from what was acknowledged: what the counts below are about. */
  readonly steps: number
  /** Those (begin, other severity, end) that were not recorded. */
  readonly alertsLost: number
  /** Steps recorded once more than they follow from it, or without a cause. */
  readonly alertsDoubled: number
  /** Steps of which a recipient never got a mail. */
  readonly mailsLost: number
  /** Mails beyond the one for a step and recipient that have another Message-ID. */
  readonly mailsDoubled: number
  /** The same mail once more: a crash fell between the server's answer and its record. */
  readonly mailsRepeatedSameId: number
  readonly problems: readonly string[]
}

export interface Told {
  readonly expectations: readonly Expectation[]
  readonly alerts: readonly SeenAlert[]
  readonly notifications: readonly SeenMail[]
  readonly delivered: readonly DeliveredMail[]
  readonly recipients: readonly string[]
}

/** What rules must have raised, and recipients been told, against what was recorded and what the mail server got. */
export function compareTold({ expectations, alerts, notifications, delivered, recipients }: Told): ToldVerdict {
  const problems: string[] = []
  const expected = countSteps(
    expectations.map(({ ruleId, deviceId, metric, courses }) => ({
      subject: `${ruleId} of ${deviceId} ${metric}`,
      steps: courses[0] ?? [],
    })),
  )
  const seen = countSteps(
    alerts.map(({ ruleId, deviceId, metric, steps }) => ({ subject: `${ruleId} of ${deviceId} ${metric}`, steps })),
  )
  const alertsLost = sumBeyond(expected, seen, (step, count) => problems.push(`${count} × not recorded: ${step}`))
  const alertsDoubled = sumBeyond(seen, expected, (step, count) => problems.push(`${count} × recorded: ${step}`))
  return {
    steps: [...expected.values()].reduce((sum, count) => sum + count, 0),
    alertsLost,
    alertsDoubled,
    ...compareMails({ alerts, notifications, delivered, recipients }, problems),
    problems,
  }
}

function countSteps(courses: readonly { readonly subject: string; readonly steps: Course }[]) {
  const counts = new Map<string, number>()
  for (const { subject, steps } of courses) {
    for (const { kind, severity, value } of steps) {
      const key = `${subject} ${kind} ${severity} at ${value}`
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
  }
  return counts
}

/** By how much the one has more than the other, over all. */
function sumBeyond(
  one: ReadonlyMap<string, number>,
  other: ReadonlyMap<string, number>,
  tell: (key: string, count: number) => void,
): number {
  let sum = 0
  for (const [key, count] of one) {
    const beyond = count - (other.get(key) ?? 0)
    if (beyond <= 0) continue
    sum += beyond
    tell(key, beyond)
  }
  return sum
}

function compareMails(
  { alerts, notifications, delivered, recipients }: Omit<Told, 'expectations'>,
  problems: string[],
): Pick<ToldVerdict, 'mailsLost' | 'mailsDoubled' | 'mailsRepeatedSameId'> {
  const purposes = new Map<string, string>()
  for (const { messageId, step, recipient } of notifications)
    if (messageId !== null) purposes.set(messageId, purposeOf(step, recipient))
  /** For what → Message-IDs that came for it. */
  const came = new Map<string, Set<string>>()
  let mailsDoubled = 0
  let mailsRepeatedSameId = 0
  for (const { messageId, recipient } of delivered) {
    const purpose = purposes.get(messageId)
    if (purpose === undefined) {
      mailsDoubled++
      problems.push(`${messageId} came to ${recipient}, and nobody knows what for`)
      continue
    }
    const ids = came.get(purpose) ?? new Set()
    came.set(purpose, ids)
    if (ids.has(messageId)) mailsRepeatedSameId++
    ids.add(messageId)
  }
  let mailsLost = 0
  for (const { id, steps } of alerts) {
    for (const step of steps) {
      for (const recipient of recipients) {
        const count = came.get(purposeOf(step.id, recipient))?.size ?? 0
        if (count === 0) mailsLost++
        mailsDoubled += Math.max(0, count - 1)
        if (count !== 1) problems.push(`step ${step.id} of alert ${id}: ${count} mails came to ${recipient}`)
      }
    }
  }
  return { mailsLost, mailsDoubled, mailsRepeatedSameId }
}

function purposeOf(step: number, recipient: string): string {
  return `${step} ${recipient.toLowerCase()}`
}
