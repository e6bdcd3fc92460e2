import { expect, test } from 'vitest'
import { isAppError } from '../../../model/index.ts'
import { batchOf } from './catalog.ts'
import { testLogId } from './memory-readings.ts'
import { always, dayMs, discovered, hourMs, march, power, type StoreUnderTest, voltage } from './store-under-test.ts'

/** What a reading store forgets, and what it does not. */
export function testKeeping(
  here: StoreUnderTest,
  supports: { readonly restart: boolean; readonly counts: boolean },
): void {
  test('expires whole UTC days', async () => {
    const times = [0, 1, 2, 3].map((i) => march + i * dayMs + hourMs)
    const readings = times.flatMap((at) => [voltage, power, discovered].map((series) => ({ series, at, value: at })))
    await here.store.write(batchOf(...readings), 1)
    await here.store.expire(march + 2 * dayMs + 5 * hourMs)
    expect((await here.readingsOf(voltage)).map(([timeMs]) => timeMs)).toEqual(times.slice(2))
    expect((await here.readingsOf(discovered)).map(([timeMs]) => timeMs)).toEqual(times.slice(2))
    await here.expectReadings(6)
  })

  test('refuses everything but another close once it is closed', async () => {
    await here.store.close()
    await here.store.close()
    const calls = [
      here.store.write(batchOf(), 1),
      here.store.range({ seriesId: voltage, ...always }),
      here.store.latest(Int32Array.of(voltage)),
      here.store.expire(0),
      here.store.stats(),
      here.store.open(),
    ]
    for (const outcome of await Promise.allSettled(calls))
      expect(outcome.status === 'rejected' && isAppError(outcome.reason, 'closed')).toBe(true)
  })

  // A store in memory has nothing to promise here; the test is not skipped, there is none.
  if (!supports.restart) return
  test('knows its position and its readings after a restart', async () => {
    await here.store.write(
      batchOf({ series: voltage, at: march, value: 1 }, { series: discovered, at: march, value: 2 }),
      41,
    )
    await here.store.write(
      batchOf({ series: voltage, at: march + 1, value: 3 }, { series: voltage, at: march, value: 4 }),
      42,
    )
    const before = await here.store.stats()
    expect(await here.restart()).toBe(42)
    expect(await here.store.open()).toMatchObject({ logId: testLogId, highestDevice: 1, highestSeries: discovered })
    expect(await here.readingsOf(voltage)).toEqual([
      [march, 4],
      [march + 1, 3],
    ])
    const { readings, rows, lateRows } = await here.store.stats()
    if (supports.counts)
      expect({ readings, rows, lateRows }).toEqual({
        readings: before.readings,
        rows: before.rows,
        lateRows: before.lateRows,
      })
    await here.store.write(
      batchOf({ series: power, at: march + 1, value: 9 }, { series: discovered, at: march, value: 5 }),
      43,
    )
    expect(await here.readingsOf(power)).toEqual([[march + 1, 9]])
    expect(await here.readingsOf(discovered)).toEqual([[march, 5]])
    await here.expectReadings(4)
  })
}
