import { describe, expect, test } from 'vitest'
import { compareReadings, type StoredReading } from '../../bench/chaos/compare.ts'
import type { SentReading } from '../../bench/chaos/ledger.ts'
import { createMessageMaker, type PayloadKind } from '../../bench/chaos/messages.ts'

const startMs = 1_795_341_600_000

/** What a client sent, all of it acknowledged, and the same as a platform without fault stores it. */
function scene(kind: PayloadKind, messages: number) {
  const maker = createMessageMaker('meter-1', kind, startMs)
  const sent = Array.from({ length: messages }, (_, i) => maker.next(i % 8)).flatMap((message) => [...message.readings])
  for (const reading of sent) reading.acked = true
  const stored: StoredReading[] = sent.map(({ deviceId, metric, timeMs, value }, i) => ({
    deviceId,
    metric,
    timeMs: timeMs ?? startMs + i,
    value,
  }))
  return { sent, stored }
}

const at = <T>(list: readonly T[], index: number): T => {
  const item = list.at(index)
  if (item === undefined) throw new Error(`no item ${index}`)
  return item
}

describe.each(['timed', 'backlog', 'untimed'] as const)('comparing %s readings with what is stored', (kind) => {
  test('finds nothing where nothing is wrong', () => {
    const { sent, stored } = scene(kind, 200)
    expect(compareReadings(sent, stored.toReversed())).toEqual({
      acked: sent.length,
      lost: [],
      doubled: [],
      foreign: [],
    })
  })

  test('finds an acknowledged reading that is missing', () => {
    const { sent, stored } = scene(kind, 200)
    stored.splice(17, 1)
    expect(compareReadings(sent, stored).lost).toEqual([at(sent, 17)])
  })

  test('lets an unacknowledged reading be there once or not at all, and not twice', () => {
    const { sent, stored } = scene(kind, 200)
    at(sent, 17).acked = false
    expect(compareReadings(sent, stored)).toMatchObject({ lost: [], doubled: [], foreign: [] })
    const [once] = stored.splice(17, 1)
    expect(compareReadings(sent, stored)).toMatchObject({ lost: [], doubled: [], foreign: [] })
    expect(compareReadings(sent, [...stored, ...(once ? [once, once] : [])]).doubled).toEqual([once])
  })

  test('finds each reading that is there once too often', () => {
    const { sent, stored } = scene(kind, 200)
    const twice = { ...at(stored, 3), timeMs: at(stored, 3).timeMs + (kind === 'untimed' ? 60_000 : 0) }
    expect(compareReadings(sent, [...stored, twice, twice]).doubled).toEqual([twice, twice])
  })

  test('finds a reading that nobody sent', () => {
    const { sent, stored } = scene(kind, 200)
    const strangers = [
      { ...at(stored, 0), metric: 'frequency' },
      { ...at(stored, 0), deviceId: 'meter-2' },
      { ...at(stored, 0), timeMs: 0, value: 1e9 },
    ]
    expect(compareReadings(sent, [...stored, ...strangers]).foreign).toEqual(strangers)
  })
})

test('a reading stored with another value than was sent is foreign, and the one sent is lost', () => {
  const { sent, stored } = scene('timed', 50)
  const wrong = { ...at(stored, 9), value: -1 }
  stored[9] = wrong
  expect(compareReadings(sent, stored)).toMatchObject({ lost: [at(sent, 9)], foreign: [wrong] })
})

describe('the messages of chaos', () => {
  test.each(['timed', 'backlog', 'untimed'] as const)('%s: no two readings can be confused', (kind) => {
    const { sent } = scene(kind, 1_000)
    const keyOf = ({ metric, timeMs, value }: SentReading) => `${metric} ${timeMs ?? `value ${value}`}`
    expect(new Set(sent.map(keyOf)).size).toBe(sent.length)
  })

  test('a backlog carries several times in one message', () => {
    const maker = createMessageMaker('meter-1', 'backlog', startMs)
    const payloads = Array.from({ length: 20 }, () => JSON.parse(maker.next(0).payload))
    expect(payloads.some(Array.isArray)).toBe(true)
    expect(payloads.some((payload) => !Array.isArray(payload))).toBe(true)
  })
})
