import fc from 'fast-check'
import { expect, test } from 'vitest'
import { quality, qualityNames, ReadingBatchBuilder } from '../../model/index.ts'

const readings = fc.array(
  fc.record({
    seriesId: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
    timeMs: fc.integer({ min: 0, max: 8.64e15 }),
    value: fc.double(),
    quality: fc.constantFrom(...Object.values(quality)),
    receivedMs: fc.integer({ min: 0, max: 8.64e15 }),
    deviceTimeMs: fc.oneof(fc.constant(Number.NaN), fc.integer({ min: 0, max: 8.64e15 })),
  }),
  { maxLength: 200 },
)

function rowsOf(batch: ReadingBatchBuilder) {
  return Array.from({ length: batch.length }, (_, i) => ({
    seriesId: batch.seriesIds[i],
    timeMs: batch.timesMs[i],
    value: batch.values[i],
    quality: batch.quality[i],
    receivedMs: batch.receivedMs[i],
    deviceTimeMs: batch.deviceTimesMs[i],
  }))
}

test('a batch holds what was pushed, in order, from any capacity on', () => {
  fc.assert(
    fc.property(readings, fc.integer({ min: 0, max: 40 }), (pushed, capacity) => {
      const batch = new ReadingBatchBuilder(capacity)
      for (const one of pushed)
        batch.push(one.seriesId, one.timeMs, one.value, one.quality, one.receivedMs, one.deviceTimeMs)
      expect(rowsOf(batch)).toEqual(pushed)
      const lengths = [
        batch.seriesIds,
        batch.timesMs,
        batch.values,
        batch.quality,
        batch.receivedMs,
        batch.deviceTimesMs,
      ]
      expect(new Set(lengths.map((column) => column.length)).size).toBe(1)
    }),
  )
})

test('a cleared batch is empty and keeps its room', () => {
  const batch = new ReadingBatchBuilder(1)
  for (let i = 0; i < 100; i++) batch.push(i, i, i, quality.good, i, Number.NaN)
  const room = batch.values.length
  batch.clear()
  expect(batch.length).toBe(0)
  batch.push(7, 1, 2, quality.suspect, 3, 4)
  expect(rowsOf(batch)).toEqual([{ seriesId: 7, timeMs: 1, value: 2, quality: 1, receivedMs: 3, deviceTimeMs: 4 }])
  expect(batch.values.length).toBe(room)
})

test('the name of a quality stands at its number', () => {
  for (const name of qualityNames) expect(qualityNames[quality[name]]).toBe(name)
})
