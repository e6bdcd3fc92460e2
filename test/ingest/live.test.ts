import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Ingest, LiveColumns, LiveSelection } from '../../ingest/index.ts'
import { ReadingRing, readingsHeld } from '../../ingest/live/reading-ring.ts'
import { parseSiteId, ReadingBatchBuilder } from '../../model/index.ts'
import { noon } from './frame-script.ts'
import { eventually, World } from './world.ts'

const all: LiveSelection = { sites: 'all' }
const ask = { values: true, presence: true }
const rows = ({ seriesIds, timesMs, values }: LiveColumns) =>
  [...seriesIds].map((id, i) => [id, (timesMs[i] ?? 0) - noon, values[i]])

/** Runs ingest over a world whose log grows by what the test writes. */
async function running(work: (ingest: Ingest, world: World) => Promise<void>): Promise<void> {
  const world = new World()
  world.script.device('m1', 1).device('m2', 2, { siteId: parseSiteId('other') })
  const ingest = world.ingest()
  await ingest.start()
  await world.caughtUp(ingest)
  try {
    await work(ingest, world)
  } finally {
    await ingest.stop()
  }
}

describe('what is new', () => {
  test('is the newest reading of each series, once; late ones and repetitions are none', () =>
    running(async ({ live }, world) => {
      expect(await live.news(ask)).toMatchObject({ position: world.script.length, presence: null })
      world.script.telemetry('m1', { ts: noon + 5, values: { voltage: 230, power: 7 } })
      world.script.telemetry('m1', { ts: noon + 6, values: { voltage: 231 } })
      world.script.telemetry('m1', { ts: noon + 1, values: { voltage: 1 } }).telemetry('m2', { voltage: 5 })
      world.announce()
      const found: (number | undefined)[][] = []
      await eventually(async () => {
        found.push(...rows((await live.news(ask)).values))
        expect(found).toHaveLength(3)
      })
      const names = await live.names(Int32Array.from(found, ([id = 0]) => id))
      expect(
        names.map((name, i) => `${name?.deviceId} ${name?.siteId} ${name?.metric} ${found[i]?.[2]}`).sort(),
      ).toEqual(['m1 main power 7', 'm1 main voltage 231', 'm2 other voltage 5'])
      expect(rows((await live.news(ask)).values)).toEqual([])
      world.script.telemetry('m1', { ts: noon + 6, values: { voltage: 231 } })
      world.announce()
      await eventually(async () => expect((await live.news(ask)).position).toBe(world.script.length))
      expect(rows((await live.news(ask)).values)).toEqual([])
    }))

  test('of presence is who came and went since, the devices behind a gateway too', () =>
    running(async ({ live }, world) => {
      world.script
        .device('gate', 3)
        .device('child', 4, { gatewayId: 'gate' as never })
        .presence('connected', 'm1/c')
      world.announce()
      await eventually(async () => expect((await live.news(ask)).position).toBe(world.script.length))
      const news = async () => (await live.news(ask)).presence?.map(({ deviceId, online }) => `${deviceId} ${online}`)
      expect(await news()).toEqual([])
      world.script
        .presence('connected', 'gate/c')
        .telemetry('child', { voltage: 1 }, { from: 'gate/c' })
        .presence('disconnected', 'm1/c')
      world.announce()
      const seen: string[] = []
      await eventually(async () => {
        seen.push(...((await news()) ?? []))
        expect(seen.sort()).toEqual(['child true', 'gate true', 'm1 false'])
      })
      world.script.presence('disconnected', 'gate/c')
      world.announce()
      await eventually(async () => {
        seen.push(...((await news()) ?? []))
        expect(seen.slice(3).sort()).toEqual(['child false', 'gate false'])
      })
    }))

  test('the newest of all, and of some sites, devices and metrics', () =>
    running(async (ingest, world) => {
      world.script.telemetry('m1', { voltage: 230, power: 7 }).telemetry('m2', { voltage: 5 })
      await world.caughtUp(ingest)
      const values = async (selection: Partial<LiveSelection>, limit = 10) =>
        [...(await ingest.live.latest({ ...all, ...selection }, limit)).values].sort()
      expect(await values({})).toEqual([230, 5, 7].sort())
      expect(await values({ sites: [parseSiteId('other')] })).toEqual([5])
      expect(await values({ devices: ['m1', 'none'], metrics: ['power'] })).toEqual([7])
      expect(await values({}, 2)).toHaveLength(2)
    }))
})

describe('what was missed', () => {
  test('is every reading behind the position, or the newest of each series when they are too many', () =>
    running(async (ingest, world) => {
      const { live } = ingest
      await live.news(ask)
      const positions: number[] = []
      for (let i = 0; i < 5; i++) {
        world.script.telemetry('m1', { ts: noon + i, values: { voltage: 200 + i } }).telemetry('m2', { voltage: i })
        await world.caughtUp(ingest)
        positions.push((await live.news(ask)).position)
      }
      const missed = async (position: number, selection: Partial<LiveSelection> = {}, limit = 100) => {
        const columns = await live.replay({ ...all, ...selection }, position, limit)
        return columns && [...columns.values]
      }
      const [, second = 0, third = 0] = positions
      expect(await missed(third)).toEqual([203, 3, 204, 4])
      expect(await missed(second, { sites: [parseSiteId('other')] })).toEqual([2, 3, 4])
      expect(await missed(second, { devices: ['m1'], metrics: ['voltage'] }, 2)).toEqual([204])
      expect(await missed(positions.at(-1) ?? 0)).toEqual([])
      expect(await missed(0)).toBeUndefined()
      expect(await missed(world.script.length + 1)).toBeUndefined()
    }))

  test('is not shown to the people of a site where the device was not yet', () =>
    running(async (ingest, world) => {
      const { live } = ingest
      const { position } = await live.news(ask)
      world.script.pass(10).telemetry('m1', { voltage: 1 })
      world.script.pass(10).device('m1', 1, { siteId: parseSiteId('other') })
      world.script.pass(10).telemetry('m1', { voltage: 2 })
      await world.caughtUp(ingest)
      const seen = async (site: string) => [
        ...((await live.replay({ sites: [parseSiteId(site)] }, position, 10))?.values ?? []),
      ]
      expect([await seen('main'), await seen('other')]).toEqual([[], [2]])
    }))

  test('is not held while nobody asks', () =>
    running(async (ingest, world) => {
      world.script.telemetry('m1', { voltage: 1 })
      await world.caughtUp(ingest)
      expect(await ingest.live.replay(all, world.script.length, 10)).toBeUndefined()
    }))
})

test('a ring answers with all readings behind a position or says that it does not hold them', () => {
  const step = fc.record({ more: fc.oneof(fc.nat(50), fc.integer({ min: 40_000, max: 70_000 })), isNew: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), fc.nat(12), (steps, asked) => {
      const ring = new ReadingRing(0)
      const batches = [new ReadingBatchBuilder(8), new ReadingBatchBuilder(8)] as const
      let at: 0 | 1 = 0
      let count = 0
      /** Readings that there are up to each position. */
      const counts = [0]
      for (const { more, isNew } of steps) {
        if (isNew) {
          at = at === 0 ? 1 : 0
          batches[at].clear()
          ring.take(batches[at], counts.length - 1)
        }
        for (let i = 0; i < more; i++) batches[at].push(1, count, count++, 0, 0, Number.NaN)
        ring.take(batches[at], counts.length)
        counts.push(count)
      }
      const position = Math.min(asked, counts.length - 1)
      const first = counts[position] ?? 0
      const seen: number[] = []
      const isWhole = ring.since(position, (place) => void seen.push(ring.value(place)))
      if (isWhole) {
        expect(seen.length).toBe(count - first)
        expect([seen[0], seen.at(-1)]).toEqual(count === first ? [undefined, undefined] : [first, count - 1])
      } else {
        expect(seen).toEqual([])
        expect(count - first).toBeGreaterThan(readingsHeld - 70_000)
      }
    }),
    { numRuns: 60 },
  )
})
