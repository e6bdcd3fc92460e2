import type { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { createSessionPersistence, type SessionPersistence } from '../../broker/persistence.ts'
import {
  createLmdbSessionStore,
  createMqttSessions,
  type MqttSessions,
  type SessionStore,
  sessionConfigSchema,
} from '../../store/sessions/index.ts'
import { openSessions, temporaryFolder } from '../store/sessions/temporary.ts'

const publish = (counter: number, qos: 0 | 1 | 2 = 1, brokerId = 'b1') => ({
  cmd: 'publish' as const,
  topic: 't/1',
  payload: Buffer.from(`m${counter}`),
  qos,
  retain: false,
  dup: false,
  brokerId,
  brokerCounter: counter,
})

async function openPersistence(sessions: MqttSessions, id = 'b1'): Promise<SessionPersistence> {
  const persistence = createSessionPersistence(sessions)
  await persistence.setup({ id })
  return persistence
}

async function open(id = 'b1'): Promise<{ sessions: MqttSessions; persistence: SessionPersistence }> {
  const sessions = await openSessions({ folder: await temporaryFolder() })
  return { sessions, persistence: await openPersistence(sessions, id) }
}

const read = (stream: Readable) => stream.toArray()

describe('the persistence behind Aedes', () => {
  test('touches no disk for a message that nobody keeps and nobody is owed', async () => {
    const store = createLmdbSessionStore(await temporaryFolder())
    let writes = 0
    let reads = 0
    const counting: SessionStore = {
      ...store,
      get: (key) => {
        reads++
        return store.get(key)
      },
      range: (from, to, limit) => {
        reads++
        return store.range(from, to, limit)
      },
      write: (changes) => {
        writes++
        store.write(changes)
      },
    }
    const sessions = createMqttSessions(counting, sessionConfigSchema.parse({}))
    await sessions.open()
    const persistence = await openPersistence(sessions)
    await persistence.sessionOf('quiet', false)
    await persistence.addSubscriptions({ id: 'quiet' }, [
      { topic: 't/#', qos: 0 },
      { topic: 'other/+', qos: 1 },
    ])
    const before = [reads, writes]
    for (let i = 1; i <= 100; i++) {
      const subscriptions = await persistence.subscriptionsByTopic('t/1')
      expect(subscriptions).toEqual([])
      await persistence.outgoingEnqueueCombi(subscriptions, publish(i))
    }
    const clean = { id: 'clean', clean: true }
    await persistence.cleanSubscriptions(clean)
    await persistence.incomingStorePacket(clean, { ...publish(1, 2), messageId: 5 })
    await persistence.incomingGetPacket(clean, { messageId: 5 })
    await persistence.incomingDelPacket(clean, { messageId: 5 })
    await persistence.delWill(clean)
    expect(await read(persistence.outgoingStream(clean))).toEqual([])
    expect([reads, writes]).toEqual(before)
    await sessions.close()
  })

  test('queues for a session under one broker and tells it under the next, in order and without a clash', async () => {
    const { sessions, persistence } = await open()
    await persistence.sessionOf('c', false)
    for (const counter of [1, 2]) await persistence.outgoingEnqueue({ clientId: 'c' }, publish(counter))
    const next = await openPersistence(sessions, 'b2')
    await next.outgoingEnqueue({ clientId: 'c' }, publish(1, 1, 'b2'))
    const packets = await read(next.outgoingStream({ id: 'c' }))
    expect(packets.map(({ payload }) => String(payload))).toEqual(['m1', 'm2', 'm1'])
    for (const [i, packet] of packets.entries())
      await next.outgoingUpdate({ id: 'c' }, { ...packet, messageId: 10 + i })
    const acknowledged = await next.outgoingClearMessageId({ id: 'c' }, { messageId: 12 })
    expect(acknowledged).toMatchObject({ cmd: 'publish', brokerId: 'b2', brokerCounter: 1, messageId: 12 })
    expect(await read(next.outgoingStream({ id: 'c' }))).toHaveLength(2)
  })

  test('marks what is sent again on another connection with DUP, and nothing else [MQTT-3.3.1-1]', async () => {
    const { persistence } = await open()
    await persistence.sessionOf('c', false)
    await persistence.outgoingEnqueue({ clientId: 'c' }, publish(1))
    const first = { ...publish(1), messageId: 7 }
    const connection = { id: 'c' }
    await persistence.outgoingUpdate(connection, first)
    await persistence.outgoingUpdate(connection, first)
    expect(first.dup).toBe(false)
    const again = { ...publish(1), messageId: 7 }
    await persistence.outgoingUpdate({ id: 'c' }, again)
    expect(again.dup).toBe(true)
  })

  test('takes out what its client may not have, and keeps what it has through another subscription', async () => {
    const { persistence } = await open()
    await persistence.sessionOf('c', false)
    const client = { id: 'c' }
    for (const counter of [1, 2]) await persistence.outgoingEnqueue({ clientId: 'c' }, publish(counter))
    const sent = new Promise((resolve) =>
      setImmediate(() => resolve(persistence.outgoingUpdate(client, { ...publish(1), messageId: 1 }))),
    )
    // The second subscription's delivery of 1, and the refused delivery of 2.
    await Promise.all([sent, ...[1, 2].map((counter) => persistence.outgoingClearMessageId(client, publish(counter)))])
    const left = await read(persistence.outgoingStream(client))
    expect(left.map(({ payload }) => String(payload))).toEqual(['m1'])
  })

  test('sends once what the full queue refused, without an error', async () => {
    const sessions = await openSessions({ folder: await temporaryFolder(), config: { maxQueuedMessages: 1 } })
    const persistence = await openPersistence(sessions)
    await persistence.sessionOf('c', false)
    for (const counter of [1, 2]) await persistence.outgoingEnqueue({ clientId: 'c' }, publish(counter))
    await persistence.outgoingUpdate({ id: 'c' }, { ...publish(2), messageId: 2 })
    expect(await persistence.outgoingClearMessageId({ id: 'c' }, { messageId: 2 })).toBeUndefined()
    expect(await read(persistence.outgoingStream({ id: 'c' }))).toHaveLength(1)
  })

  test('does not keep a filter that was refused in the same SUBSCRIBE', async () => {
    const { persistence } = await open()
    await persistence.sessionOf('c', false)
    const filters = [
      { topic: 'mine', qos: 1 },
      { topic: 'theirs', qos: 1 },
    ]
    const stored = persistence.addSubscriptions({ id: 'c' }, filters)
    Object.assign(filters[1] ?? {}, { qos: 128 })
    await stored
    expect(await persistence.subscriptionsByClient({ id: 'c' })).toEqual([{ topic: 'mine', qos: 1 }])
  })

  test('stores nothing for a client without a session', async () => {
    const { sessions, persistence } = await open()
    await persistence.addSubscriptions({ id: 'c' }, [{ topic: 't/#', qos: 1 }])
    await persistence.outgoingEnqueue({ clientId: 'c' }, publish(1))
    await persistence.incomingStorePacket({ id: 'c' }, { ...publish(1, 2), messageId: 1 })
    expect(sessions.stats()).toMatchObject({ sessions: 0, queuedMessages: 0, subscriptions: 0 })
    expect((await persistence.sessionOf('c', false)).present).toBe(false)
    await expect(persistence.incomingGetPacket({ id: 'c' }, { messageId: 1 })).rejects.toThrow()
  })

  test('forgets the received messages of a clean session with its connection', async () => {
    const { persistence } = await open()
    const first = { id: 'c', clean: true }
    await persistence.incomingStorePacket(first, { ...publish(1, 2), messageId: 1 })
    await persistence.incomingGetPacket(first, { messageId: 1 })
    await expect(persistence.incomingGetPacket({ id: 'c', clean: true }, { messageId: 1 })).rejects.toThrow()
  })

  test('keeps the received messages of a persistent session over a restart', async () => {
    const folder = await temporaryFolder()
    const sessions = await openSessions({ folder })
    const persistence = await openPersistence(sessions)
    await persistence.sessionOf('c', false)
    for (const messageId of [1, 2])
      await persistence.incomingStorePacket({ id: 'c', clean: false }, { ...publish(1, 2), messageId })
    await persistence.incomingDelPacket({ id: 'c', clean: false }, { messageId: 2 })
    await sessions.close()
    const next = await openPersistence(await openSessions({ folder }), 'b2')
    expect(await next.incomingGetPacket({ id: 'c' }, { messageId: 1 })).toMatchObject({ messageId: 1, topic: 't/1' })
    await expect(next.incomingGetPacket({ id: 'c' }, { messageId: 2 })).rejects.toThrow()
  })

  test('gives the wills of brokers that are gone, and only those', async () => {
    const { sessions, persistence } = await open()
    const will = () => ({ topic: 'pel/v1/m/status', payload: Buffer.from('offline'), qos: 1 as const, retain: true })
    await persistence.putWill({ id: 'old' }, will())
    const next = await openPersistence(sessions, 'b2')
    await next.putWill({ id: 'new' }, will())
    const left = await read(next.streamWill({ b2: 1 }))
    expect(left.map(({ clientId, retain, qos }) => [clientId, retain, qos])).toEqual([['old', true, 1]])
    await next.delWill({ id: 'old' })
    expect(await read(next.streamWill({ b2: 1 }))).toEqual([])
    expect(await read(next.streamWill())).toHaveLength(1)
  })

  test('ends its streams quietly when the store is closed under them', async () => {
    const { sessions, persistence } = await open()
    for (let i = 0; i < 200; i++)
      await persistence.storeRetained({ topic: `r/${i}`, payload: Buffer.from('1'), retain: true })
    const stream = persistence.createRetainedStream('r/+')
    const first = await stream[Symbol.asyncIterator]().next()
    await sessions.close()
    expect(first.value).toMatchObject({ retain: true })
    expect(await read(persistence.createRetainedStream('r/+'))).toEqual([])
  })
})
