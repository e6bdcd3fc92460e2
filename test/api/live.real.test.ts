import { describe, expect, test } from 'vitest'
import { waitUntil } from '../setup/wait.ts'
import { startMs } from './harness.ts'
import { main, other, presence, useLive } from './live-world.ts'

const world = useLive()
const { follow, record, reject } = world

test('a stream says what it is, and no proxy may gather or keep it', async () => {
  const stream = await follow()
  expect(stream.status).toBe(200)
  expect(stream.headers.get('content-type')).toBe('text/event-stream')
  expect(stream.headers.get('cache-control')).toBe('no-store')
  expect(stream.headers.get('x-accel-buffering')).toBe('no')
  expect(stream.headers.get('content-encoding')).toBeNull()
  const [ready] = await stream.until('ready')
  expect(ready?.data).toEqual({ kinds: ['alerts', 'rejected', 'presence', 'values'] })
  expect(stream.text).toMatch(/^retry: \d+\n\n/)
  await waitUntil('a heartbeat', () => /\n:\nid: [\d.a-z]+\n\n/.test(stream.text))
  stream.stop()
})

test('HEAD tells the same and goes on to nobody', async () => {
  const key = await world.api.issueKey({ role: 'viewer' })
  for (let i = 0; i < 12; i++) {
    const { status, headers } = await world.api.request('HEAD', '/api/v1/live', { key })
    expect([status, headers.get('content-type')]).toEqual([200, 'text/event-stream'])
  }
})

describe('presence', () => {
  test('is told when it changes, and what was missed to who comes back in the same run', async () => {
    const { live } = world.api.fake
    const ofMain = await world.api.issueKey({ sites: [main] })
    const stream = await follow('?kinds=presence', { key: ofMain })
    await stream.until('ready')
    live.presence = [presence('m1', main, true), presence('m2', other, true)]
    const [first] = await stream.until('presence')
    expect(first?.data.items).toEqual([{ deviceId: 'm1', online: true, lastSeen: '2026-11-23T10:00:00.000Z' }])
    const keeper = await follow('?kinds=alerts')
    await keeper.until('ready')
    stream.stop()
    live.presence = [presence('m1', main, false)]
    await waitUntil('the look', () => live.presence?.length === 0)
    const again = await follow('?kinds=presence', { key: ofMain, id: first?.id })
    const [missed] = await again.until('presence')
    expect(missed?.data.items).toMatchObject([{ deviceId: 'm1', online: false }])
    again.stop()
    const elsewhere = await follow('?kinds=presence', { id: first?.id.replace(/\.\w+$/, '.other') })
    await elsewhere.until('reset')
    elsewhere.stop()
    keeper.stop()
  })
})

describe('rejected messages', () => {
  test('come as they are listed, go on behind an id, and are passed over when they are too many', async () => {
    const ofMain = await world.api.issueKey({ sites: [main] })
    const stream = await follow('?kinds=rejected', { key: ofMain })
    await stream.until('ready')
    await reject('m1', 'one')
    await reject('m2', 'two')
    const [first] = await stream.until('rejected')
    expect(first?.data).toMatchObject({ deviceId: 'm1', detail: 'one', reason: 'not_json', payloadBase64: 'ew==' })
    stream.stop()
    await reject('m1', 'three')
    const again = await follow('?kinds=rejected', { key: ofMain, id: first?.id })
    const [missed] = await again.until('rejected')
    expect([missed?.data.detail, again.events('rejected').length]).toEqual(['three', 1])
    await reject('m1', 'flood', 600)
    await again.until('passed-over')
    expect(again.events('rejected').length).toBeLessThanOrEqual(1 + 200 * 3)
    again.stop()
    const late = await follow('?kinds=rejected', { key: ofMain, id: first?.id })
    await late.until('reset')
    late.stop()
  })
})

test('while a part of the platform does not answer streams wait, and then miss nothing', async () => {
  const { live, silent } = world.api.fake
  const stream = await follow('?kinds=presence,values,alerts')
  await stream.until('ready')
  await waitUntil('a look', () => stream.text.includes('\n:\n'))
  silent.add('ingest')
  await record('e1', 0)
  await record('e1', 1)
  await waitUntil('a warning', () => world.api.logged.some(({ msg }) => msg === 'live streams wait'))
  live.held = [{ seriesId: 1, timeMs: startMs, value: 5, position: live.position + 1 }]
  silent.delete('ingest')
  await stream.until('alert')
  const [values] = await stream.until('values')
  expect(values?.data.items).toMatchObject([{ value: 5 }])
  expect(stream.events('alert')).toHaveLength(1)
  // Who came and went meanwhile is not known.
  expect(stream.events('reset').map(({ data }) => data.kind)).toEqual(['presence'])
  expect(stream.ended).toBe(false)
  stream.stop()
})
