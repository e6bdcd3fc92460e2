import { describe, expect, test } from 'vitest'
import { compareTold, type Told } from '../../bench/chaos/compare-told.ts'

const subject = { ruleId: 'r', deviceId: 'd', metric: 'v' }
const firing = { kind: 'firing', severity: 'warning', value: 254.1 } as const
const resolved = { kind: 'resolved', severity: 'warning', value: 230.2 } as const
const recipients = ['a@example.com', 'b@example.com']

const steps = [
  { id: 1, ...firing },
  { id: 2, ...resolved },
]
const alert = { id: 'x', ...subject, startedMs: 1, steps }
const notifications = steps.flatMap(({ id }) =>
  recipients.map((recipient) => {
    return { alertId: 'x', step: id, recipient, messageId: `<${id}-${recipient}>`, state: 'sent' }
  }),
)
const delivered = notifications.map(({ messageId, recipient }) => ({ messageId, recipient }))
const right: Told = {
  expectations: [{ ...subject, courses: [[firing, resolved]] }],
  alerts: [alert],
  notifications,
  delivered,
  recipients,
}
const allWell = { alertsLost: 0, alertsDoubled: 0, mailsLost: 0, mailsDoubled: 0, mailsRepeatedSameId: 0 }

function compare(doctored: Partial<Told>) {
  const { problems, steps: _, ...counts } = compareTold({ ...right, ...doctored })
  return { counts, told: problems.length > 0 }
}

describe('comparing what was told after crashes', () => {
  test('finds nothing where nothing is wrong', () => {
    expect(compare({})).toEqual({ counts: allWell, told: false })
  })

  test('finds a step that was never recorded', () => {
    const half = { ...alert, steps: steps.slice(0, 1) }
    const mails = notifications.slice(0, 2)
    expect(compare({ alerts: [half], notifications: mails, delivered: delivered.slice(0, 2) })).toEqual({
      counts: { ...allWell, alertsLost: 1 },
      told: true,
    })
    expect(compare({ alerts: [], notifications: [], delivered: [] }).counts).toEqual({ ...allWell, alertsLost: 2 })
  })

  test('finds a step recorded twice, though under another alert, and one without a cause', () => {
    const again = { ...alert, id: 'y', steps: [{ id: 3, ...firing }] }
    expect(compare({ alerts: [alert, again] }).counts).toMatchObject({ alertsLost: 0, alertsDoubled: 1 })
    const other = { ...again, deviceId: 'e' }
    expect(compare({ alerts: [alert, other] }).counts).toMatchObject({ alertsLost: 0, alertsDoubled: 1 })
  })

  test('finds a mail that never came', () => {
    expect(compare({ delivered: delivered.slice(1) })).toEqual({ counts: { ...allWell, mailsLost: 1 }, told: true })
  })

  test('finds a second mail under another Message-ID, whether the platform knows it or not', () => {
    const unknown = { messageId: '<9>', recipient: 'a@example.com' }
    expect(compare({ delivered: [...delivered, unknown] })).toEqual({
      counts: { ...allWell, mailsDoubled: 1 },
      told: true,
    })
    const known = { alertId: 'x', step: 1, ...unknown, state: 'sent' }
    expect(compare({ delivered: [...delivered, unknown], notifications: [...notifications, known] })).toEqual({
      counts: { ...allWell, mailsDoubled: 1 },
      told: true,
    })
  })

  test('counts the same mail once more, and has nothing against it', () => {
    expect(compare({ delivered: [...delivered, ...delivered.slice(0, 3)] })).toEqual({
      counts: { ...allWell, mailsRepeatedSameId: 3 },
      told: false,
    })
  })
})
