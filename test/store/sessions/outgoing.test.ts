import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { MqttSessions, Outgoing } from '../../../store/sessions/index.ts'
import { openSessions, temporaryFolder } from './temporary.ts'

const message = (text: string, qos: 1 | 2 = 1) => ({ topic: 't', payload: Buffer.from(text), qos, retain: false })

function told(item: Outgoing | undefined): string {
  if (item === undefined) return 'nothing'
  return item.kind === 'release' ? `release ${item.packetId}` : `${item.message.payload}@${item.packetId ?? '-'}`
}

const owed = (sessions: MqttSessions, client = 'c') => [...sessions.outgoing.owed(client)].map(told)

async function openWithClient(folder: string, config = {}): Promise<MqttSessions> {
  const sessions = await openSessions({ folder, config })
  await sessions.table.sessionOf('c', false)
  return sessions
}

describe('the queue of a session', () => {
  test('keeps order, packet identifiers and releases over a restart', async () => {
    const folder = await temporaryFolder()
    const first = await openWithClient(folder)
    const base = first.outgoing.nextBase()
    for (let i = 1; i <= 40; i++) await first.outgoing.enqueue(['c'], base + i, message(`m${i}`, 2))
    for (let i = 1; i <= 3; i++) expect(await first.outgoing.sending('c', base + i, 100 + i, 1)).toBe('first')
    expect(await first.outgoing.releasing('c', 101)).toBe(true)
    expect(told(first.outgoing.complete('c', 102))).toBe('m2@102')
    await first.close()
    const second = await openSessions({ folder })
    expect(owed(second).slice(0, 4)).toEqual(['release 101', 'm3@103', 'm4@-', 'm5@-'])
    expect(owed(second)).toHaveLength(39)
    expect(await second.outgoing.sending('c', base + 3, 103, 1)).toBe('again')
    expect(told(second.outgoing.complete('c', 101))).toBe('release 101')
    expect(second.outgoing.nextBase()).toBeGreaterThan(base + 40)
    expect(second.stats()).toMatchObject({ queuedMessages: 38 })
  })

  test('refuses the newest beyond its bounds, counts it, and has room again when one is acknowledged', async () => {
    const sessions = await openWithClient(await temporaryFolder(), { maxQueuedMessages: 3 })
    for (let i = 1; i <= 5; i++) await sessions.outgoing.enqueue(['c'], i, message(`m${i}`))
    expect(owed(sessions)).toEqual(['m1@-', 'm2@-', 'm3@-'])
    expect(sessions.stats().refused.queued).toBe(2)
    expect(await sessions.outgoing.sending('c', 5, 1, 1)).toBe('unknown')
    await sessions.outgoing.sending('c', 1, 1, 1)
    sessions.outgoing.complete('c', 1)
    await sessions.outgoing.enqueue(['c'], 6, message('m6'))
    expect(owed(sessions)).toEqual(['m2@-', 'm3@-', 'm6@-'])
  })

  test.each([
    ['one session', { maxQueuedBytes: 2_500 }],
    ['all sessions', { maxTotalQueuedBytes: 2_500 }],
  ])('is bounded in bytes for %s', async (_name, config) => {
    const sessions = await openWithClient(await temporaryFolder(), config)
    for (let i = 1; i <= 5; i++) await sessions.outgoing.enqueue(['c'], i, message('x'.repeat(1_000)))
    expect(owed(sessions)).toHaveLength(2)
    expect(sessions.stats().queuedBytes).toBeLessThanOrEqual(2_500)
  })

  test('holds a message once for a client with several subscriptions to it', async () => {
    const sessions = await openWithClient(await temporaryFolder())
    await sessions.outgoing.enqueue(['c', 'c', 'nobody'], 1, message('m'))
    expect(owed(sessions)).toEqual(['m@-'])
    expect(sessions.stats().queuedMessages).toBe(1)
  })

  test('takes an acknowledgement for the older of two messages with one packet identifier', async () => {
    const sessions = await openWithClient(await temporaryFolder())
    for (const i of [1, 2]) await sessions.outgoing.enqueue(['c'], i, message(`m${i}`))
    for (const i of [1, 2]) await sessions.outgoing.sending('c', i, 9, 1)
    expect(told(sessions.outgoing.complete('c', 9))).toBe('m1@9')
    expect(told(sessions.outgoing.complete('c', 9))).toBe('m2@9')
    expect(told(sessions.outgoing.complete('c', 9))).toBe('nothing')
  })

  test('gives up a message only while it is not in flight', async () => {
    const sessions = await openWithClient(await temporaryFolder())
    for (const i of [1, 2]) await sessions.outgoing.enqueue(['c'], i, message(`m${i}`))
    await sessions.outgoing.sending('c', 1, 1, 1)
    sessions.outgoing.withdraw('c', 1)
    sessions.outgoing.withdraw('c', 2)
    expect(owed(sessions)).toEqual(['m1@1'])
  })

  test('tells what was queued before it was asked, not after', async () => {
    const sessions = await openWithClient(await temporaryFolder())
    for (let i = 1; i <= 20; i++) await sessions.outgoing.enqueue(['c'], i, message(`m${i}`))
    const items = sessions.outgoing.owed('c')[Symbol.iterator]()
    expect(told(items.next().value)).toBe('m1@-')
    await sessions.outgoing.enqueue(['c'], 21, message('later'))
    const rest: string[] = []
    for (let next = items.next(); !next.done; next = items.next()) rest.push(told(next.value))
    expect(rest.at(-1)).toBe('m20@-')
  })

  test('agrees with a list, whatever comes', async () => {
    const sessions = await openSessions({ folder: await temporaryFolder(), config: { maxQueuedMessages: 6 } })
    const step = fc.oneof(
      fc.record({ kind: fc.constant('enqueue' as const) }),
      fc.record({ kind: fc.constant('send' as const), at: fc.nat(5), id: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ kind: fc.constant('release' as const), id: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ kind: fc.constant('complete' as const), id: fc.integer({ min: 1, max: 4 }) }),
    )
    type Row = { sequence: number; text: string; id?: number; released?: boolean; sentAt?: number }
    let sequence = 0
    let client = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const name = `c${++client}`
        await sessions.table.sessionOf(name, false)
        let rows: Row[] = []
        let turn = 0
        const oldest = (id: number) =>
          rows.filter((row) => row.id === id).sort((a, b) => (a.sentAt ?? 0) - (b.sentAt ?? 0))[0]
        for (const next of steps) {
          turn++
          if (next.kind === 'enqueue') {
            sequence++
            await sessions.outgoing.enqueue([name], sequence, message(`m${sequence}`))
            if (rows.filter((row) => !row.released).length < 6) rows.push({ sequence, text: `m${sequence}` })
          } else if (next.kind === 'send') {
            const row = rows.filter((candidate) => !candidate.released)[next.at]
            if (row === undefined) continue
            await sessions.outgoing.sending(name, row.sequence, next.id, 1)
            if (row.id !== next.id) Object.assign(row, { id: next.id, sentAt: turn })
          } else if (next.kind === 'release') {
            const row = oldest(next.id)
            expect(await sessions.outgoing.releasing(name, next.id)).toBe(row !== undefined)
            if (row !== undefined) row.released = true
          } else {
            const row = oldest(next.id)
            const item = sessions.outgoing.complete(name, next.id)
            expect(item?.sequence).toBe(row?.sequence)
            rows = rows.filter((other) => other !== row)
          }
          const publishes = rows.filter((row) => !row.released).map((row) => `${row.text}@${row.id ?? '-'}`)
          const found = owed(sessions, name)
          expect(found.filter((line) => !line.startsWith('release'))).toEqual(publishes)
          expect(found.length - publishes.length).toBe(rows.filter((row) => row.released).length)
        }
        sessions.table.end(name)
      }),
      { numRuns: 40 },
    )
    expect(sessions.stats()).toMatchObject({ queuedMessages: 0, queuedBytes: 0 })
  })
})
