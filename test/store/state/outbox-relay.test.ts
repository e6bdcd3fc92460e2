import { expect, test } from 'vitest'
import { type ControlOutbox, createOutboxRelay } from '../../../store/state/index.ts'

/** An outbox in memory, and a log that takes frames until it is told to refuse some. */
function createScene() {
  const waiting: { id: number; topic: string; payload: Uint8Array }[] = []
  const log: string[] = []
  const refused = new Set<string>()
  let nextId = 1

  const outbox: ControlOutbox = {
    pending: async (limit) => waiting.slice(0, limit),
    done: async (ids) => {
      for (const id of ids)
        waiting.splice(
          waiting.findIndex((frame) => frame.id === id),
          1,
        )
    },
  }
  return {
    outbox,
    log,
    refused,
    waiting,
    commit(topic: string) {
      waiting.push({ id: nextId++, topic, payload: new Uint8Array() })
    },
    append: async (topic: string) => {
      if (refused.has(topic)) throw new Error(`no room for ${topic}`)
      log.push(topic)
    },
  }
}

test('what was committed is in the log when flush resolves, in order, and no longer in the outbox', async () => {
  const scene = createScene()
  const relay = createOutboxRelay(scene.outbox, scene.append)
  const topics = Array.from({ length: 1_000 }, (_, i) => `device/${i}`)
  topics.forEach(scene.commit)
  await relay.flush()
  expect(scene.log).toEqual(topics)
  expect(scene.waiting).toEqual([])
})

test('a flush covers what was committed before it, also while another one runs', async () => {
  const scene = createScene()
  const { promise: opened, resolve: open } = Promise.withResolvers<void>()
  const relay = createOutboxRelay(scene.outbox, async (topic) => {
    await opened
    await scene.append(topic)
  })
  scene.commit('a')
  const first = relay.flush()
  scene.commit('b')
  const second = relay.flush()
  scene.commit('c')
  const third = relay.flush()
  open()
  await Promise.all([first, second, third])
  expect(scene.log).toEqual(['a', 'b', 'c'])
})

test('after a refusal everything from there on goes again, so the newest record is the last one', async () => {
  const scene = createScene()
  const relay = createOutboxRelay(scene.outbox, scene.append)
  for (const topic of ['site/a', 'device/1 old', 'device/1 new']) scene.commit(topic)
  scene.refused.add('device/1 old')
  await expect(relay.flush()).rejects.toThrow('no room for device/1 old')
  expect(scene.waiting.map((frame) => frame.topic)).toEqual(['device/1 old', 'device/1 new'])
  scene.refused.clear()
  await relay.flush()
  expect(scene.log).toEqual(['site/a', 'device/1 new', 'device/1 old', 'device/1 new'])
  expect(scene.waiting).toEqual([])
})

test('a failed flush does not fail the one that waits behind it', async () => {
  const scene = createScene()
  const relay = createOutboxRelay(scene.outbox, scene.append)
  scene.commit('a')
  scene.refused.add('a')
  const first = relay.flush()
  const second = first.catch(() => scene.refused.clear()).then(() => relay.flush())
  await expect(first).rejects.toThrow('no room for a')
  await second
  expect(scene.log).toEqual(['a'])
})
