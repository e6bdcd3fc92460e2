import { describe, expect, test } from 'vitest'
import { createLmdbSessionStore } from '../../../store/sessions/index.ts'
import { spaceRange } from '../../../store/sessions/keys.ts'
import { openSessions, temporaryFolder } from './temporary.ts'

const message = { topic: 'a', payload: Buffer.from('1'), qos: 1, retain: false } as const

describe('MQTT sessions', () => {
  test('are present from the second connection on, without a subscription and after a restart', async () => {
    const folder = await temporaryFolder()
    const first = await openSessions({ folder })
    const begun = await first.table.sessionOf('c', false)
    expect(begun.present).toBe(false)
    expect(await first.table.sessionOf('c', false)).toEqual({ number: begun.number, present: true })
    await first.close()
    const second = await openSessions({ folder })
    expect(await second.table.sessionOf('c', false)).toEqual({ number: begun.number, present: true })
  })

  test('end with a clean connection, with all that was in them', async () => {
    const folder = await temporaryFolder()
    const sessions = await openSessions({ folder })
    const old = await sessions.table.sessionOf('c', false)
    await sessions.subscriptions.add('c', [{ filter: 'a/#', qos: 1 }])
    await sessions.outgoing.enqueue(['c'], 1, message)
    await sessions.incoming.add('c', 7, message)
    const clean = await sessions.table.sessionOf('c', true)
    expect(clean.present).toBe(false)
    expect(clean.number).not.toBe(old.number)
    expect([...sessions.outgoing.owed('c')]).toEqual([])
    expect(sessions.subscriptions.isEmpty).toBe(true)
    expect(sessions.stats()).toMatchObject({ sessions: 0, queuedMessages: 0, queuedBytes: 0 })
    const again = await sessions.table.sessionOf('c', false)
    expect(again.present).toBe(false)
    expect(sessions.incoming.get('c', 7)).toBeUndefined()
  })

  test('leave nothing on the disk when they have ended', async () => {
    const folder = await temporaryFolder()
    const sessions = await openSessions({ folder })
    await sessions.table.sessionOf('c', false)
    await sessions.subscriptions.add('c', [{ filter: 'a', qos: 1 }])
    for (let i = 1; i <= 2_500; i++) await sessions.outgoing.enqueue(['c'], i, message)
    await sessions.outgoing.sending('c', 1, 1, 1)
    sessions.table.end('c')
    await sessions.table.swept()
    await sessions.close()
    const store = createLmdbSessionStore(folder)
    await store.open()
    for (const space of ['s', 'x', 'b', 'u', 'q', 'f', 'i'] as const)
      expect(store.range(...spaceRange(space), 1)).toEqual([])
    await store.close()
  })

  test('have numbers that are never given twice, over restarts too', async () => {
    const folder = await temporaryFolder()
    const seen = new Set<number>()
    for (let start = 0; start < 3; start++) {
      const sessions = await openSessions({ folder })
      const numbers = await Promise.all(Array.from({ length: 500 }, () => sessions.table.sessionOf('c', true)))
      for (const { number } of numbers) seen.add(number)
      await sessions.close()
    }
    expect(seen.size).toBe(1_500)
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(1)
  })

  test('of one client that connects twice at once are one', async () => {
    const sessions = await openSessions({ folder: await temporaryFolder() })
    const both = await Promise.all([sessions.table.sessionOf('c', false), sessions.table.sessionOf('c', false)])
    expect(new Set(both.map(({ number }) => number)).size).toBe(1)
    expect(sessions.stats().sessions).toBe(1)
  })

  test('are refused beyond the bound, and counted; those that are there go on', async () => {
    const sessions = await openSessions({ folder: await temporaryFolder(), config: { maxSessions: 2 } })
    await sessions.table.sessionOf('a', false)
    await sessions.table.sessionOf('b', false)
    await expect(sessions.table.sessionOf('c', false)).rejects.toMatchObject({
      code: 'store_unavailable',
      retryable: true,
    })
    expect((await sessions.table.sessionOf('a', false)).present).toBe(true)
    expect((await sessions.table.sessionOf('c', true)).present).toBe(false)
    expect(sessions.stats().refused.sessions).toBe(1)
  })

  test('end when their client was away for so many hours in a row, and not before', async () => {
    const folder = await temporaryFolder()
    const config = { expiryHours: 3 }
    const first = await openSessions({ folder, config })
    for (const client of ['away', 'back', 'connected']) await first.table.sessionOf(client, false)
    await first.subscriptions.add('away', [{ filter: 'a', qos: 1 }])
    const isConnected = (client: string) => client === 'connected'
    first.table.passHour(isConnected)
    first.table.passHour(isConnected)
    await first.table.sessionOf('back', false)
    await first.close()
    const second = await openSessions({ folder, config })
    expect(second.stats().sessions).toBe(3)
    second.table.passHour(isConnected)
    expect([...second.table.all()].map(({ clientId }) => clientId).sort()).toEqual(['back', 'connected'])
    expect(second.subscriptions.isEmpty).toBe(true)
    expect(second.stats().expired).toBe(1)
  })
})

describe('subscriptions', () => {
  test('are there after a restart, in their last form', async () => {
    const folder = await temporaryFolder()
    const first = await openSessions({ folder })
    await first.table.sessionOf('c', false)
    await first.subscriptions.add('c', [
      { filter: 'a/#', qos: 1 },
      { filter: 'b', qos: 2 },
    ])
    await first.subscriptions.add('c', [{ filter: 'a/#', qos: 0 }])
    await first.subscriptions.add('c', [{ filter: 'x'.repeat(3_000), qos: 1 }])
    await first.subscriptions.remove('c', ['b', 'unknown'])
    await first.close()
    const second = await openSessions({ folder })
    expect(second.subscriptions.of('c').map(({ filter, qos }) => [filter.length, qos])).toEqual([
      [3, 0],
      [3_000, 1],
    ])
    expect(second.subscriptions.count()).toEqual({ subscriptions: 1, clients: 1 })
  })

  test('beyond the bound are refused together, and change nothing', async () => {
    const sessions = await openSessions({ folder: await temporaryFolder(), config: { maxSubscriptions: 2 } })
    await sessions.table.sessionOf('c', false)
    await sessions.subscriptions.add('c', [{ filter: 'a', qos: 1 }])
    const more = ['b', 'c'].map((filter) => ({ filter, qos: 1 as const }))
    await expect(sessions.subscriptions.add('c', more)).rejects.toMatchObject({ code: 'too_large' })
    expect(sessions.subscriptions.of('c')).toHaveLength(1)
    await sessions.subscriptions.add('c', [{ filter: 'a', qos: 2 }])
  })
})
