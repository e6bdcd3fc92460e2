import { expect, test } from 'vitest'
import { batchOf, type TestReading } from './catalog.ts'
import { createMemoryReadings } from './memory-readings.ts'
import {
  always,
  dayMs,
  discovered,
  hourMs,
  march,
  other,
  power,
  rollUpAll,
  type StoreUnderTest,
  voltage,
} from './store-under-test.ts'

const minuteMs = 60_000
const slotMs = 15 * minuteMs
const all = [voltage, power, other, discovered]

/** A reading of each series every seven minutes over three days, but for some hours of silence. */
function history(): TestReading[] {
  const readings: TestReading[] = []
  for (let at = march; at < march + 3 * dayMs; at += 7 * minuteMs)
    for (const series of all)
      if (Math.floor(at / hourMs) % 7 !== series)
        readings.push({ series, at, value: ((at / minuteMs) * series) % 1_013 })
  return readings
}

/** Local days and hours of zones with odd offsets, months, and edges within slots. */
const questions: Readonly<Record<string, Float64Array>> = {
  'days of Kathmandu': Float64Array.from({ length: 5 }, (_, i) => march - 5.75 * hourMs + i * dayMs),
  'hours of Adelaide': Float64Array.from({ length: 60 }, (_, i) => march + 1.5 * hourMs + i * hourMs),
  'hours of Berlin': Float64Array.from({ length: 70 }, (_, i) => march + i * hourMs),
  'days when clocks change': Float64Array.of(march, march + 23 * hourMs, march + 47 * hourMs, march + 72 * hourMs),
  'edges within slots': Float64Array.of(
    march + 1,
    march + dayMs + 7 * minuteMs,
    march + dayMs + 8 * minuteMs,
    march + 3 * dayMs - 1,
  ),
  'five minutes': Float64Array.from({ length: 300 }, (_, i) => march + dayMs + i * 5 * minuteMs),
  'much too much': Float64Array.of(0, march + 30 * hourMs, march + 400 * dayMs),
}

/** Whatever is rolled up, `buckets` answers what the readings say. */
export function testRollups(here: StoreUnderTest, supports: { readonly restart: boolean }): void {
  /** As a store answers that has the same readings in plain maps. */
  async function expectAsRaw(...written: readonly (readonly TestReading[])[]): Promise<void> {
    const oracle = createMemoryReadings(here.catalog)
    for (const [n, readings] of written.entries()) await oracle.write(batchOf(...readings), n + 1)
    for (const seriesId of all)
      for (const [name, edgesMs] of Object.entries(questions)) {
        const { sum, avg, ...exact } = await here.store.buckets({ seriesId, edgesMs })
        const wanted = await oracle.buckets({ seriesId, edgesMs })
        const { sum: wantedSum, avg: wantedAvg, ...wantedExact } = wanted
        expect(exact, name).toEqual(wantedExact)
        for (const [i, value] of wantedSum.entries()) if (!Number.isNaN(value)) expect(sum[i]).toBeCloseTo(value, 6)
        for (const [i, value] of wantedAvg.entries()) if (!Number.isNaN(value)) expect(avg[i]).toBeCloseTo(value, 6)
      }
  }

  test('answers from rollups what it answers from readings, however far it has come with them', async () => {
    await here.store.write(batchOf(...history()), 1)
    await expectAsRaw(history())
    for (const beforeMs of [march + hourMs, march + dayMs + slotMs, march + 2 * dayMs + 1, march + 9 * dayMs]) {
      await here.store.rollUp?.(beforeMs, 'new')
      await expectAsRaw(history())
      await rollUpAll(here.store, beforeMs)
      await expectAsRaw(history())
    }
  })

  test('counts late readings and other values at once, also where it has rolled up before', async () => {
    await here.store.write(batchOf(...history()), 1)
    await rollUpAll(here.store, march + 2 * dayMs)
    const late = [
      { series: voltage, at: march + 5 * minuteMs, value: -50 },
      { series: power, at: march + dayMs + 14 * minuteMs, value: 7 },
      // The same time once more, with another value.
      { series: other, at: march + 70 * minuteMs, value: 99_999 },
      { series: discovered, at: march - dayMs, value: 3 },
    ]
    await here.store.write(batchOf(...late), 2)
    await expectAsRaw(history(), late)
    await rollUpAll(here.store, march + 2 * dayMs, 'new')
    await expectAsRaw(history(), late)
    await rollUpAll(here.store, march + 2 * dayMs, 'all')
    await expectAsRaw(history(), late)
    await here.store.write(batchOf(...late.map((reading) => ({ ...reading, value: reading.value + 1 }))), 3)
    await expectAsRaw(
      history(),
      late.map((reading) => ({ ...reading, value: reading.value + 1 })),
    )
  })

  test('goes over silence, wherever in an hour it begins and ends', async () => {
    const minutes = [5, 4 * 60 + 40, 9 * 60 + 16, 9 * 60 + 31, 24 * 60 + 59, 50 * 60]
    const readings = minutes.flatMap((minute) =>
      all.map((series) => ({ series, at: march + minute * minuteMs, value: minute + series })),
    )
    await here.store.write(batchOf(...readings), 1)
    for (const minute of [16, 31, 5 * 60, 9 * 60 + 33, 30 * 60]) {
      await rollUpAll(here.store, march + minute * minuteMs)
      await expectAsRaw(readings)
    }
    await rollUpAll(here.store, march + 9 * dayMs)
    await expectAsRaw(readings)
  })

  test('takes a device and a metric that are new where others are rolled up', async () => {
    await here.store.write(batchOf({ series: voltage, at: march + dayMs, value: 1 }), 1)
    await rollUpAll(here.store, march + 2 * dayMs)
    const more = [power, other, discovered].map((series) => ({ series, at: march + dayMs, value: series }))
    await here.store.write(batchOf(...more), 2)
    await expectAsRaw([{ series: voltage, at: march + dayMs, value: 1 }, ...more])
    await rollUpAll(here.store, march + 2 * dayMs)
    await expectAsRaw([{ series: voltage, at: march + dayMs, value: 1 }, ...more])
  })

  test('has the mean of a slot whose sum is more than a number can be', async () => {
    const values = [1.7e308, 1.6e308, 1.5e308]
    await here.store.write(batchOf(...values.map((value, i) => ({ series: voltage, at: march + i, value }))), 1)
    await rollUpAll(here.store, march + dayMs)
    const { avg, sum, max } = await here.store.buckets({
      seriesId: voltage,
      edgesMs: Float64Array.of(march, march + dayMs),
    })
    expect([avg[0], sum[0], max[0]]).toEqual([expect.closeTo(1.6e308, -300), Number.POSITIVE_INFINITY, 1.7e308])
  })

  test('answers whole slots from rollups when the readings are gone', async () => {
    if (here.store.rollUp === undefined) return
    await here.store.write(batchOf(...history()), 1)
    await rollUpAll(here.store, march + hourMs)
    const edgesMs = Float64Array.of(march, march + 6 * hourMs, march + dayMs, march + 3 * dayMs)
    const before = await here.store.buckets({ seriesId: voltage, edgesMs })
    // What was not rolled up yet is before the readings go.
    await here.store.expire(march + 2 * dayMs, march)
    expect((await here.readingsOf(voltage, { ...always, toMs: march + 2 * dayMs })).length).toBe(0)
    const after = await here.store.buckets({ seriesId: voltage, edgesMs })
    expect({ ...after, sum: 0, avg: 0 }).toEqual({ ...before, sum: 0, avg: 0 })
    for (const i of [0, 1, 2]) expect(after.avg[i]).toBeCloseTo(before.avg[i] ?? 0, 6)
    // Too late to be counted, and no reason to forget what is.
    await here.store.write(batchOf({ series: voltage, at: march + hourMs + 1, value: 5 }), 2)
    await rollUpAll(here.store, march + 3 * dayMs)
    expect((await here.store.buckets({ seriesId: voltage, edgesMs })).count).toEqual(before.count)
    await here.store.expire(march + 2 * dayMs, march + dayMs)
    const { count } = await here.store.buckets({ seriesId: voltage, edgesMs })
    expect([...count]).toEqual([0, 0, before.count[2]])
  })

  if (!supports.restart) return
  test('goes on with its rollups after a restart, and forgets none that have to be made again', async () => {
    await here.store.write(batchOf(...history()), 1)
    await here.store.rollUp?.(march + 2 * dayMs, 'new')
    await here.store.rollUp?.(march + 2 * dayMs, 'new')
    const late = [{ series: voltage, at: march + 5 * minuteMs, value: -50 }]
    await here.store.write(batchOf(...late), 2)
    await here.restart()
    await expectAsRaw(history(), late)
    await rollUpAll(here.store, march + 2 * dayMs)
    await here.restart()
    await expectAsRaw(history(), late)
  })
}
