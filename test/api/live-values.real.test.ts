import { describe, expect, test } from 'vitest'
import { parseCursor } from '../../api/live/cursor.ts'
import { waitUntil } from '../setup/wait.ts'
import { startMs } from './harness.ts'
import { main, named, other, useLive } from './live-world.ts'

const world = useLive()
const { follow } = world

describe('values', () => {
  test('begin with the newest of each series, and go on with those that change', async () => {
    const { live } = world.api.fake
    live.latest = [
      { seriesId: 1, timeMs: startMs, value: 229.8 },
      { seriesId: 3, timeMs: startMs, value: 231 },
    ]
    const stream = await follow('?kinds=values')
    const [first] = await stream.until('values')
    const time = '2026-11-23T10:00:00.000Z'
    expect(first?.data.items).toEqual([
      { deviceId: 'm1', metric: 'voltage', time, value: 229.8, quality: 'good' },
      { deviceId: 'm2', metric: 'voltage', time, value: 231, quality: 'good' },
    ])
    live.position = 1_234
    live.values = [{ seriesId: 2, timeMs: startMs + 1, value: 1_250 }]
    const [, second] = await stream.until('values', 2)
    expect(second?.data.items).toMatchObject([{ deviceId: 'm1', metric: 'power', value: 1_250 }])
    expect(parseCursor(second?.id ?? '')?.values).toBe(1_234)
    stream.stop()
  })

  test('are of the sites of the caller, and of the site, devices and metrics that it asks for', async () => {
    const { live } = world.api.fake
    live.latest = [1, 2, 3].map((seriesId) => ({ seriesId, timeMs: startMs, value: seriesId }))
    const ofMain = await world.api.issueKey({ sites: [main] })
    const rows: readonly [query: string, key: string, seen: readonly number[]][] = [
      ['', ofMain, [1, 2]],
      ['&site=else', ofMain, []],
      ['&site=else', world.api.adminKey, [3]],
      ['&device=m2,m1', ofMain, [1, 2]],
      ['&metric=voltage', world.api.adminKey, [1, 3]],
      ['&device=m1&metric=power,current', world.api.adminKey, [2]],
    ]
    for (const [query, key, seen] of rows) {
      const stream = await follow(`?kinds=values${query}`, { key })
      await stream.until('ready')
      live.values = [1, 2, 3].map((seriesId) => ({ seriesId, timeMs: startMs + 1, value: seriesId * 10 }))
      await waitUntil('the look', () => live.values.length === 0)
      await waitUntil('a heartbeat', () => stream.text.includes('\n:\n'))
      const shown = stream.events('values').flatMap(({ data }) => data.items.map(({ value }) => value))
      expect([query, shown.filter((value) => value < 10)]).toEqual([query, seen])
      expect([query, shown.filter((value) => value >= 10)]).toEqual([query, seen.map((value) => value * 10)])
      stream.stop()
    }
  })

  test('of a device that goes to another site are seen there, and not here any more', async () => {
    const { live } = world.api.fake
    const [here, there] = [await world.api.issueKey({ sites: [main] }), await world.api.issueKey({ sites: [other] })]
    const streams = [await follow('?kinds=values', { key: here }), await follow('?kinds=values', { key: there })]
    for (const stream of streams) await stream.until('ready')
    live.values = [{ seriesId: 1, timeMs: startMs, value: 1 }]
    await streams[0]?.until('values')
    live.names.set(1, named('m1', other, 'voltage'))
    live.registryVersion++
    live.values = [{ seriesId: 1, timeMs: startMs, value: 2 }]
    await streams[1]?.until('values')
    expect(streams.map((stream) => stream.events('values').map(({ data }) => data.items[0]?.value))).toEqual([[1], [2]])
    for (const stream of streams) stream.stop()
  })

  test('that were missed come to who goes on behind an id; what is not held any more begins anew', async () => {
    const { live } = world.api.fake
    live.position = 5_000
    const first = await follow('?kinds=values')
    await waitUntil('a heartbeat', () => first.text.includes('\n:\n'))
    const id = first.lastId()
    first.stop()
    live.held = [1, 2, 3].map((value) => ({ seriesId: 1, timeMs: startMs + value, value, position: 5_000 + value }))
    const again = await follow('?kinds=values', { id })
    const [missed] = await again.until('values')
    expect(missed?.data.items.map(({ value }) => value)).toEqual([1, 2, 3])
    expect(again.events('reset')).toEqual([])
    again.stop()

    live.held = undefined
    live.latest = [{ seriesId: 1, timeMs: startMs, value: 7 }]
    const anew = await follow(`?kinds=values&lastEventId=${id}`)
    const [newest] = await anew.until('values')
    expect(anew.names()).toEqual(['ready', 'reset', 'values'])
    expect(newest?.data.items).toMatchObject([{ value: 7 }])
    anew.stop()
  })

  test('of many series come in parts, and only the last says that they are all there', async () => {
    const { live } = world.api.fake
    for (let id = 10; id < 2_510; id++) live.names.set(id, named('m1', main, `x${id}`))
    live.latest = Array.from({ length: 2_500 }, (_, i) => ({ seriesId: i + 10, timeMs: startMs, value: i }))
    const stream = await follow('?kinds=values')
    const parts = await stream.until('values', 3)
    expect(parts.map(({ data }) => data.items.length)).toEqual([1_000, 1_000, 500])
    expect(new Set(parts.map(({ id }) => id)).size).toBe(2)
    // Whoever has only the first part begins anew.
    live.latest = []
    const again = await follow('?kinds=values', { id: parts[0]?.id })
    live.held = undefined
    await again.until('ready')
    stream.stop()
    again.stop()
  })
})
