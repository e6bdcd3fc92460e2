import { describe, expect, test } from 'vitest'
import {
  assignFaults,
  compareAlerts,
  compareMails,
  compareReadings,
  compareRejections,
  createRandom,
  type DeviceHistory,
  type Expectation,
  faultKinds,
  planEpisodes,
  type SeenAlert,
  type SeenMail,
  type SentMessage,
  type StoredReading,
} from '../../firmware-sim/index.ts'

const startMs = 1_795_341_600_000

function sent(second: number, values: Record<string, number>, more: Partial<SentMessage> = {}): SentMessage {
  const timeMs = startMs + second * 1_000
  return { sentMs: timeMs, ackedMs: timeMs + 10, rows: [{ timeMs, values, clock: 'own' }], ...more }
}

function historyOf(...messages: SentMessage[]): DeviceHistory {
  const device = { deviceId: 'd', siteId: 'main', profileId: 'p', reportingIntervalMs: 1_000 }
  return { ...device, registered: { fromMs: startMs, toMs: startMs }, messages }
}

const stored = (second: number, value: number): StoredReading => ({ timeMs: startMs + second * 1_000, value })

describe('comparing readings', () => {
  const device = historyOf(sent(1, { v: 1, i: 5 }), sent(2, { v: 2, i: 6 }), sent(2, { v: 2, i: 6 }))
  const compare = async (series: Record<string, StoredReading[]>, history = device) => {
    const { problems, ...counts } = await compareReadings(history, async (metric) => series[metric] ?? [])
    return { ...counts, problems: problems.length }
  }
  const right = { v: [stored(1, 1), stored(2, 2)], i: [stored(1, 5), stored(2, 6)] }
  const allWell = { sent: 4, acked: 4, stored: 4, lost: 0, doubled: 0, foreign: 0, problems: 0 }

  test('finds nothing where nothing is wrong, and a message sent twice is one', async () => {
    expect(await compare(right)).toEqual(allWell)
  })

  test('finds what is lost', async () => {
    expect(await compare({ ...right, i: [stored(2, 6)] })).toEqual({ ...allWell, stored: 3, lost: 1, problems: 1 })
  })

  test('finds what is doubled', async () => {
    const doubled = [stored(1, 1), stored(2, 2), stored(2, 2)]
    expect(await compare({ ...right, v: doubled })).toEqual({ ...allWell, stored: 5, doubled: 1, problems: 1 })
  })

  test('finds what was never sent so, by time or by value', async () => {
    const foreign = [stored(1, 1), stored(2, 3), stored(4, 2)]
    const found = { ...allWell, stored: 5, lost: 1, foreign: 2, problems: 3 }
    expect(await compare({ ...right, v: foreign })).toEqual(found)
  })

  test('does not miss what was never acknowledged, nor mind that it is there', async () => {
    const history = historyOf(sent(1, { v: 1 }), sent(2, { v: 2 }, { ackedMs: undefined }))
    const expected = { sent: 2, acked: 1, stored: 1, lost: 0, doubled: 0, foreign: 0, problems: 0 }
    expect(await compare({ v: [stored(1, 1)] }, history)).toEqual(expected)
    expect(await compare({ v: right.v }, history)).toEqual({ ...expected, stored: 2 })
  })

  test('looks for what came with a clock ahead at its arrival, once', async () => {
    const rows = [{ timeMs: startMs + 600_000, values: { v: 7 }, clock: 'ahead' }] as const
    const history = historyOf(sent(1, { v: 1 }), sent(2, {}, { rows }))
    const expected = { sent: 2, acked: 2, stored: 2, lost: 0, doubled: 0, foreign: 0, problems: 0 }
    expect(await compare({ v: [stored(1, 1), stored(2.005, 7)] }, history)).toEqual(expected)
    const twice = { v: [stored(1, 1), stored(2.005, 7), stored(2.006, 7)] }
    expect(await compare(twice, history)).toEqual({ ...expected, stored: 3, doubled: 1, problems: 1 })
    const elsewhere = { v: [stored(1, 1), stored(600, 7)] }
    expect(await compare(elsewhere, history)).toEqual({ ...expected, lost: 1, foreign: 1, problems: 2 })
  })
})

test('comparing rejections finds what is not listed, and what is listed without cause', () => {
  const history = historyOf(sent(1, {}, { rejected: 'not_json' }), sent(2, {}, { rejected: 'too_old' }))
  expect(compareRejections(history, ['too_old', 'not_json'])).toEqual([])
  expect(compareRejections(history, ['too_old', 'too_old'])).toEqual([
    'd: 1 messages must be rejected as not_json, 0 are listed',
    'd: 1 messages must be rejected as too_old, 2 are listed',
  ])
})

const firing = { id: 1, kind: 'firing', severity: 'warning', value: 254 } as const
const worse = { id: 2, kind: 'severity', severity: 'critical', value: 265 } as const
const resolved = { id: 3, kind: 'resolved', severity: 'critical', value: 230 } as const

describe('comparing alerts', () => {
  const subject = { ruleId: 'r', deviceId: 'd', metric: 'v' }
  const expectation: Expectation = { ...subject, courses: [[firing, worse, resolved, firing]] }
  const alert = (id: string, ...steps: SeenAlert['steps']): SeenAlert => ({
    id,
    ...subject,
    startedMs: Number(id),
    steps,
  })
  const compare = (seen: readonly SeenAlert[], expectations = [expectation]) => {
    const { problems, ...counts } = compareAlerts(expectations, seen)
    return { ...counts, problems: problems.length }
  }
  const allWell = { expected: 2, seen: 2, wrong: 0, stepsExpected: 4, problems: 0 }

  test('finds nothing where nothing is wrong, in whatever order they are told', () => {
    expect(compare([alert('2', firing), alert('1', firing, worse, resolved)])).toEqual(allWell)
  })

  test('finds what is missing, surplus, or took another course', () => {
    expect(compare([alert('1', firing, worse, resolved)])).toEqual({ ...allWell, seen: 1, wrong: 1, problems: 1 })
    const otherValue = [alert('1', firing, { ...worse, value: 266 }, resolved), alert('2', firing)]
    expect(compare(otherValue)).toEqual({ ...allWell, wrong: 1, problems: 1 })
    const other = [alert('1', firing, resolved), alert('2', firing)]
    expect(compare(other)).toEqual({ ...allWell, wrong: 1, problems: 1 })
    const doubled = [alert('1', firing, worse, resolved), alert('2', firing), alert('3', firing)]
    expect(compare(doubled)).toEqual({ ...allWell, seen: 3, wrong: 1, problems: 1 })
    const elsewhere = { ...alert('3', firing), metric: 'i' }
    const found = { ...allWell, seen: 3, wrong: 1, problems: 1 }
    expect(compare([alert('1', firing, worse, resolved), alert('2', firing), elsewhere])).toEqual(found)
  })

  test('takes every course that what was sent allows', () => {
    const open = [{ ...subject, courses: [[], [firing, resolved]] }]
    expect(compare([], open)).toEqual({ expected: 0, seen: 0, wrong: 0, stepsExpected: 0, problems: 0 })
    const seen = [alert('1', firing, resolved)]
    expect(compare(seen, open)).toEqual({ expected: 1, seen: 1, wrong: 0, stepsExpected: 2, problems: 0 })
    const wrong = [alert('1', firing, worse)]
    expect(compare(wrong, open)).toEqual({ expected: 0, seen: 1, wrong: 1, stepsExpected: 0, problems: 1 })
  })
})

describe('comparing mails', () => {
  const alerts = [{ id: 'a', ruleId: 'r', deviceId: 'd', metric: 'v', startedMs: 1, steps: [firing, resolved] }]
  const mail = (step: number, more: Partial<SeenMail> = {}): SeenMail => {
    return { alertId: 'a', step, recipient: 'ops@example.com', messageId: `<${step}@x>`, state: 'sent', ...more }
  }
  const compare = (...mails: SeenMail[]) => {
    const { problems, ...counts } = compareMails(alerts, 2, mails, ['ops@example.com'])
    return { ...counts, problems: problems.length }
  }

  test('finds one for each step and recipient, and nothing else', () => {
    expect(compare(mail(1), mail(3))).toEqual({ expected: 2, seen: 2, problems: 0 })
    expect(compare(mail(1))).toEqual({ expected: 2, seen: 1, problems: 1 })
    expect(compare(mail(1), mail(3), mail(3, { messageId: '<4@x>' }))).toEqual({ expected: 2, seen: 3, problems: 1 })
    expect(compare(mail(1), mail(3, { messageId: '<1@x>' }))).toEqual({ expected: 2, seen: 2, problems: 1 })
    expect(compare(mail(1), mail(2))).toEqual({ expected: 2, seen: 2, problems: 2 })
  })

  test('finds what was not handed over, and who should not have it', () => {
    expect(compare(mail(1), mail(3, { state: 'failed' }))).toEqual({ expected: 2, seen: 1, problems: 2 })
    const stranger = mail(3, { recipient: 'else@example.com', messageId: '<4@x>' })
    expect(compare(mail(1), mail(3), stranger)).toEqual({ expected: 2, seen: 3, problems: 1 })
  })
})

describe('planning faults', () => {
  const points = Array.from({ length: 40 }, (_, i) => ({ profile: i % 4 === 0 ? 'transformer' : 'meter-1ph' }) as const)

  test('half of the devices get one, each kind its share, silence only meters of one phase', () => {
    const assigned = assignFaults(points, faultKinds, createRandom(1))
    expect(assigned.size).toBe(20)
    for (const kind of faultKinds) {
      const having = [...assigned].filter(([, each]) => each === kind)
      expect(having.length).toBeGreaterThanOrEqual(2)
      const profiles = new Set(having.map(([point]) => points[point]?.profile))
      if (kind === 'silence') expect(profiles).toEqual(new Set(['meter-1ph']))
      else expect(profiles.size).toBe(2)
    }
  })

  test('few devices have one of each, as far as they go', () => {
    const assigned = assignFaults(points.slice(0, 9), faultKinds, createRandom(1))
    expect(new Set(assigned.values())).toEqual(new Set(faultKinds))
    expect(assignFaults(points.slice(0, 3), faultKinds, createRandom(1)).size).toBe(3)
  })

  test.each(faultKinds)('%s: as many episodes as fit, healthy before, between and after', (kind) => {
    const options = { fromMs: 6_000, toMs: 300_000, intervalMs: 1_000, random: createRandom(7) }
    const episodes = planEpisodes(kind, options)
    expect(episodes.length).toBeGreaterThan(8)
    const edges = [6_000, ...episodes.flatMap(({ fromMs, toMs }) => [fromMs, toMs]), 300_000]
    for (let i = 1; i < edges.length; i++) expect((edges[i] ?? 0) - (edges[i - 1] ?? 0)).toBeGreaterThanOrEqual(3_000)
    expect(planEpisodes(kind, { ...options, toMs: 12_000 })).toEqual([])
  })
})
