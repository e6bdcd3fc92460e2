import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { copyReadings } from '../../app/readings-copy/copy.ts'
import { createProgressFile } from '../../app/readings-copy/progress-file.ts'
import { AppError } from '../../model/index.ts'
import type { ReadingStore, RollableStore, SeriesInfo } from '../../store/readings/index.ts'
import { describeWith } from '../setup/require-tool.ts'
import { makeTempFolder } from '../setup/temp-folder.ts'
import { batchOf, createTestCatalog, type TestReading } from '../store/readings/catalog.ts'
import { createDuckdbPlace } from '../store/readings/duckdb-place.ts'
import { useInfluxdb } from '../store/readings/influxdb-place.ts'
import { testLogId } from '../store/readings/memory-readings.ts'
import { always, dayMs, march, rollUpAll } from '../store/readings/store-under-test.ts'

function createHistory() {
  const catalog = createTestCatalog()
  const known = { profile: 'meter-1ph', known: true }
  const ids = [1, 2, 3].flatMap((device) =>
    ['voltage', 'energy', 'odd'].map((metric) => catalog.add(device, metric, known)),
  )
  // Never written to.
  ids.push(catalog.add(4, 'voltage', known))
  const series = ids.map((id) => catalog.get(id)).filter((info): info is SeriesInfo => info !== undefined)
  const readings: TestReading[] = []
  for (let i = 0; i < 3_000; i++)
    for (const id of ids.slice(0, 9)) {
      if (id % 3 === 0 && i % 7 > 0) continue
      // A silence of ten days in the middle.
      const at = march + i * 120_000 + (i > 1_500 ? 10 * dayMs : 0)
      readings.push({ series: id, at, value: Math.sin(i + id), quality: i % 50 === 0 ? 1 : 0, received: at + 9 })
    }
  return { catalog, series, readings, ids }
}

describeWith(['influxd'], 'copying readings', () => {
  const begin = useInfluxdb()

  async function places() {
    const history = createHistory()
    const [duckdb, influxdb] = [await createDuckdbPlace(), await begin()]
    const folder = makeTempFolder('copy')
    const file = join(folder.path, 'progress.json')
    const copy = async (
      stores: { from: ReadingStore & RollableStore; to: ReadingStore & RollableStore },
      onCopied = () => {},
    ) => {
      try {
        return await copyReadings({
          ...stores,
          logId: testLogId,
          series: history.series,
          progress: createProgressFile(file, { from: 'a', to: 'b' }),
          onCounted: () => {},
          onCopied,
          onVerified: () => {},
        })
      } finally {
        await stores.from.close()
        await stores.to.close()
      }
    }
    const fill = async () => {
      const store = duckdb.create(history.catalog)
      await store.open()
      await store.write(batchOf(...history.readings), 77)
      await store.close()
    }
    const remove = async () => {
      await duckdb.remove()
      await influxdb.remove()
      folder.remove()
    }
    return { ...history, duckdb, influxdb, file, copy, fill, remove }
  }

  test('takes along what rollups know of readings that are gone, there and back again', async () => {
    const { catalog, ids, duckdb, influxdb, copy, fill, remove } = await places()
    const again = await createDuckdbPlace()
    const edgesMs = Float64Array.from({ length: 20 }, (_, day) => march + day * dayMs)
    const answers = (store: ReadingStore) => Promise.all(ids.map((seriesId) => store.buckets({ seriesId, edgesMs })))
    try {
      await fill()
      const source = duckdb.create(catalog)
      await source.open()
      const wanted = await answers(source)
      await source.expire(march + 2 * dayMs, march)
      await source.close()
      expect((await copy({ from: duckdb.create(catalog), to: influxdb.create(catalog) })).differences).toEqual([])
      // Once more changes nothing.
      expect((await copy({ from: duckdb.create(catalog), to: influxdb.create(catalog) })).differences).toEqual([])
      expect((await copy({ from: influxdb.create(catalog), to: again.create(catalog) })).differences).toEqual([])
      expect((await copy({ from: influxdb.create(catalog), to: again.create(catalog) })).differences).toEqual([])
      for (const store of [influxdb.create(catalog), again.create(catalog)]) {
        await store.open()
        for (let round = 0; round < 2; round++) {
          for (const [i, { sum, avg, ...exact }] of (await answers(store)).entries()) {
            const { sum: wantedSum, avg: _, ...wantedExact } = wanted[i] ?? { sum: new Float64Array(0), avg }
            expect(exact).toEqual(wantedExact)
            for (const [n, value] of wantedSum.entries()) if (!Number.isNaN(value)) expect(sum[n]).toBeCloseTo(value, 6)
          }
          await rollUpAll(store, march + 30 * dayMs)
        }
        await store.close()
      }
    } finally {
      await duckdb.remove()
      await again.remove()
      await remove()
    }
  })

  test('there and back again leaves the same, with qualities, received times and the position', async () => {
    const { catalog, ids, duckdb, influxdb, copy, fill, remove, readings, file } = await places()
    const again = await createDuckdbPlace()
    try {
      await fill()
      const there = await copy({ from: duckdb.create(catalog), to: influxdb.create(catalog) })
      expect(there).toEqual({ series: 9, readings: readings.length, refused: 0, refusal: undefined, differences: [] })
      const back = await copy({ from: influxdb.create(catalog), to: again.create(catalog) })
      expect(back.differences).toEqual([])
      const [first, last] = [duckdb.create(catalog), again.create(catalog)]
      expect((await first.open()).position).toBe(77)
      expect(await last.open()).toMatchObject({ position: 77, logId: testLogId })
      for (const seriesId of ids)
        expect(await last.range({ seriesId, ...always })).toEqual(await first.range({ seriesId, ...always }))
      expect((await last.stats()).lateRows).toBe(0)
      await first.close()
      await last.close()
      expect(existsSync(file)).toBe(false)
    } finally {
      await again.remove()
      await remove()
    }
  })

  test('goes on where it was interrupted', async () => {
    const { catalog, duckdb, influxdb, copy, fill, remove, readings, file } = await places()
    try {
      await fill()
      let calls = 0
      const interrupted = copy({ from: duckdb.create(catalog), to: influxdb.create(catalog) }, () => {
        calls++
        if (calls === 6) throw new AppError('aborted', 'the power went')
      })
      await expect(interrupted).rejects.toMatchObject({ code: 'aborted' })
      expect(existsSync(file)).toBe(true)
      const halfway = influxdb.create(catalog)
      expect((await halfway.open()).position).toBe(0)
      await halfway.close()
      let written = 0
      const to = influxdb.create(catalog)
      const counted = {
        ...to,
        write: (batch: Parameters<typeof to.write>[0], position: number) => {
          written += batch.length
          return to.write(batch, position)
        },
      }
      expect((await copy({ from: duckdb.create(catalog), to: counted })).differences).toEqual([])
      expect(written).toBeLessThan(readings.length)
    } finally {
      await remove()
    }
  })

  test('tells what the other store refuses, and what differs then', async () => {
    const { catalog, duckdb, influxdb, copy, fill, remove } = await places()
    try {
      await fill()
      await influxdb.server.write(influxdb.database, `meter-1ph,device=x voltage="high" ${march}`)
      const { refused, refusal, differences } = await copy({
        from: duckdb.create(catalog),
        to: influxdb.create(catalog),
      })
      expect(refused).toBeGreaterThan(0)
      expect(refusal).toMatch(/field type conflict/)
      expect(differences[0]).toMatch(/^device-1 voltage: 3000 readings/)
      const to = influxdb.create(catalog)
      expect((await to.open()).position).toBe(0)
      await to.close()
    } finally {
      await remove()
    }
  })

  test('refuses a store of another platform', async () => {
    const { catalog, duckdb, influxdb, copy, fill, remove } = await places()
    try {
      await fill()
      const theirs = influxdb.create(catalog, {}, { logId: 'another' })
      await theirs.open()
      await theirs.close()
      const attempt = copy({ from: duckdb.create(catalog), to: influxdb.create(catalog) })
      await expect(attempt).rejects.toMatchObject({ code: 'store_failed' })
    } finally {
      await remove()
    }
  })
})
