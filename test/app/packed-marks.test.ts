import { MessageChannel } from 'node:worker_threads'
import { expect, onTestFinished, test } from 'vitest'
import { type PackedMarks, packMarks, unpackMarks } from '../../app/packed-marks.ts'
import { remote, serve } from '../../app/port-rpc.ts'
import { withRecent } from '../../store/readings/index.ts'
import { batchOf, createTestCatalog } from '../store/readings/catalog.ts'
import { createMemoryReadings } from '../store/readings/memory-readings.ts'

test('marks, buckets and readings arrive in another thread as the store told them', async () => {
  const catalog = createTestCatalog()
  const [one = 0, other = 0, none = 0] = [1, 2, 3].map((device) =>
    catalog.add(device, 'power', { profile: 'meter-1ph', known: true }),
  )
  const store = withRecent(createMemoryReadings(catalog), { bytesMax: 1e6 })
  await store.write(
    batchOf(
      { series: one, at: 10, value: 1 },
      { series: one, at: 20, value: Number.MAX_VALUE },
      { series: other, at: 5, value: -3 },
    ),
    1,
  )
  await store.write(batchOf({ series: one, at: 15, value: 2 }), 2)
  const { port1, port2 } = new MessageChannel()
  onTestFinished(() => port1.close())
  serve(port1, packMarks(store))
  const asked = unpackMarks(remote<PackedMarks>(port2, ['packedBuckets', 'packedRanges'], { maxInFlight: 10 }))

  const buckets = [
    { seriesId: one, edgesMs: Float64Array.of(0, 12, 30) },
    { seriesId: none, edgesMs: new Float64Array(0) },
    { seriesId: other, edgesMs: Float64Array.of(0, 10) },
  ]
  expect(await asked.marked(buckets)).toEqual(await store.marked(buckets))
  const ranges = [
    { seriesId: other, fromMs: 0, toMs: 0, limit: 1 },
    { seriesId: one, fromMs: 0, toMs: 30, limit: 10 },
    { seriesId: one, fromMs: 0, toMs: 30, limit: 2 },
    { seriesId: none, fromMs: 0, toMs: 30, limit: 10 },
  ]
  expect(await asked.markedRanges(ranges)).toEqual(await store.markedRanges(ranges))
  await expect(asked.marked([{ seriesId: one, edgesMs: Float64Array.of(2, 1) }])).rejects.toMatchObject({
    code: 'invalid_input',
  })
  expect(await asked.marked([])).toEqual(await store.marked([]))
})
