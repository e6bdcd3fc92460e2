import type { SeenAlert } from './alerts.ts'

/** A notification as the platform tells it. */
export interface SeenMail {
  readonly alertId: string
  /** Of the alert's timeline. */
  readonly step: number
  readonly recipient: string
  readonly messageId: string | null
  readonly state: string
}

export interface MailsVerdict {
  /** One for each step of each alert and each recipient. */
  readonly expected: number
  /** Handed over. */
  readonly seen: number
  readonly problems: readonly string[]
}

/**
 * Compares what recipients must have been told with what they were. `steps`: how many there must be in all; those of
 * alerts that are not there at all are missing here too.
 */
export function compareMails(
  alerts: readonly SeenAlert[],
  steps: number,
  mails: readonly SeenMail[],
  recipients: readonly string[],
): MailsVerdict {
  const problems: string[] = []
  const sent = new Map<string, number>()
  const messageIds = new Set<string>()
  for (const { alertId, step, recipient, messageId, state } of mails) {
    const key = keyOf(alertId, step, recipient)
    if (state === 'sent') sent.set(key, (sent.get(key) ?? 0) + 1)
    else problems.push(`${key}: the mail is ${state}`)
    if (messageId !== null && messageIds.has(messageId)) problems.push(`${messageId} is the Message-ID of two mails`)
    if (messageId !== null) messageIds.add(messageId)
  }
  for (const alert of alerts) {
    for (const step of alert.steps) {
      for (const recipient of recipients) {
        const key = keyOf(alert.id, step.id, recipient)
        const count = sent.get(key) ?? 0
        if (count !== 1) problems.push(`${key}: mailed ${count} times`)
        sent.delete(key)
      }
    }
  }
  for (const [key, count] of sent) problems.push(`${key}: mailed ${count} times, of which nobody should know`)
  const seen = mails.filter(({ state }) => state === 'sent').length
  return { expected: steps * recipients.length, seen, problems }
}

function keyOf(alertId: string, step: number, recipient: string): string {
  return `step ${step} of alert ${alertId} to ${recipient.toLowerCase()}`
}
