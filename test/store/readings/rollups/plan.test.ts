import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  bucketOfGroups,
  groupRuns,
  type Piece,
  planPieces,
  type Span,
  slotMs,
} from '../../../../store/readings/rollups/index.ts'

const edges = fc.uniqueArray(fc.integer({ min: -40, max: 400 }), { minLength: 2, maxLength: 30 }).map((minutes) =>
  Float64Array.from(
    minutes.sort((a, b) => a - b),
    (minute) => minute * 300_000 + (minute % 4 === 1 ? 1 : 0),
  ),
)
/** Ascending, apart, of whole slots. */
const spans = fc.uniqueArray(fc.integer({ min: -10, max: 140 }), { maxLength: 16 }).map((slots) => {
  const ends = slots.sort((a, b) => a - b).map((slot) => slot * slotMs)
  const found: Span[] = []
  for (let i = 0; i + 1 < ends.length; i += 2) found.push({ fromMs: ends[i] ?? 0, toMs: ends[i + 1] ?? 0 })
  return found
})

interface Part {
  readonly kind: Piece['kind']
  readonly bucket: number
  readonly fromMs: number
  readonly toMs: number
}

function partsOf(pieces: readonly Piece[]): Part[] {
  return pieces.flatMap(({ kind, firstBucket, edgesMs }) =>
    [...edgesMs].slice(1).map((toMs, i) => ({ kind, bucket: firstBucket + i, fromMs: edgesMs[i] ?? 0, toMs })),
  )
}

test('every moment of every bucket is answered once, and by rollups only in whole slots of what is rolled up', () => {
  fc.assert(
    fc.property(edges, spans, (edgesMs, rolled) => {
      const parts = partsOf(planPieces(edgesMs, { spans: rolled, rawFromMs: Number.NEGATIVE_INFINITY }))
      let atMs = edgesMs[0]
      for (const { kind, bucket, fromMs, toMs } of parts) {
        expect(fromMs).toBe(atMs)
        expect(toMs).toBeGreaterThan(fromMs)
        expect(fromMs).toBeGreaterThanOrEqual(edgesMs[bucket] ?? Number.NaN)
        expect(toMs).toBeLessThanOrEqual(edgesMs[bucket + 1] ?? Number.NaN)
        if (kind === 'rolled') {
          expect(fromMs % slotMs === 0 && toMs % slotMs === 0).toBe(true)
          expect(rolled.some((span) => span.fromMs <= fromMs && toMs <= span.toMs)).toBe(true)
        }
        atMs = toMs
      }
      expect(atMs).toBe(edgesMs.at(-1))
    }),
  )
})

test('where readings are gone nothing is asked of them, and everything rolled up is still used', () => {
  fc.assert(
    fc.property(edges, spans, fc.integer({ min: -10, max: 140 }), (edgesMs, rolled, slot) => {
      const rawFromMs = slot * slotMs
      const parts = partsOf(planPieces(edgesMs, { spans: rolled, rawFromMs }))
      for (const { kind, fromMs } of parts) if (kind === 'raw') expect(fromMs).toBeGreaterThanOrEqual(rawFromMs)
      const span = (kind: Piece['kind']) =>
        partsOf(planPieces(edgesMs, { spans: rolled, rawFromMs: Number.NEGATIVE_INFINITY }))
          .filter((part) => part.kind === kind && part.toMs <= rawFromMs)
          .reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0)
      const used = parts
        .filter(({ kind, toMs }) => kind === 'rolled' && toMs <= rawFromMs)
        .reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0)
      expect(used).toBeGreaterThanOrEqual(span('rolled'))
    }),
  )
})

test('a year of days needs one question of its rollups, and its two ends one each of the readings', () => {
  const dayMs = 86_400_000
  const edgesMs = Float64Array.from({ length: 366 }, (_, day) => day * dayMs + 61_200_000)
  edgesMs[0] = 61_200_001
  const pieces = planPieces(edgesMs, { spans: [{ fromMs: 0, toMs: 300 * dayMs }], rawFromMs: Number.NEGATIVE_INFINITY })
  expect(pieces.map(({ kind }) => kind)).toEqual(['raw', 'rolled', 'raw'])
})

test('runs cover all buckets, and a group never crosses an edge', () => {
  fc.assert(
    fc.property(edges, (edgesMs) => {
      let next = 0
      for (const run of groupRuns(edgesMs)) {
        expect(run.firstBucket).toBe(next)
        next += run.edgesMs.length - 1
        for (const edge of run.edgesMs) expect((edge - (run.edgesMs[0] ?? 0)) % run.groupMs).toBe(0)
        const buckets = bucketOfGroups(
          run,
          [...run.edgesMs].slice(0, -1).map((edge) => (edge - (run.edgesMs[0] ?? 0)) / run.groupMs),
        )
        expect([...buckets]).toEqual([...buckets.keys()])
      }
      expect(next).toBe(edgesMs.length - 1)
    }),
  )
})
