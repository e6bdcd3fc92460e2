import { describe, expect, test } from 'vitest'
import { bucketRuns } from '../../../store/readings/duckdb/bucket-runs.ts'

const runsOf = (...questions: readonly (readonly number[])[]) =>
  bucketRuns(questions.map((edges) => Float64Array.from(edges))).map(({ edgesMs, parts }) => ({
    edges: [...edgesMs],
    parts: parts.map(({ index, firstBucket }) => [index, firstBucket]),
  }))

describe('bucket runs', () => {
  test('put together what follows without a gap, in whatever order it is asked for', () => {
    expect(runsOf([20, 30], [0, 10, 20], [30, 40, 50])).toEqual([
      {
        edges: [0, 10, 20, 30, 40, 50],
        parts: [
          [1, 0],
          [0, 2],
          [2, 3],
        ],
      },
    ])
  })

  test('ask once for what several want', () => {
    expect(runsOf([0, 10], [10, 20, 30], [0, 10], [10, 20, 30])).toEqual([
      {
        edges: [0, 10, 20, 30],
        parts: [
          [0, 0],
          [2, 0],
          [1, 1],
          [3, 1],
        ],
      },
    ])
  })

  test('keep apart what overlaps or has a gap between', () => {
    expect(runsOf([0, 10, 20], [0, 10], [25, 30], [10, 20, 25])).toEqual([
      {
        edges: [0, 10, 20, 25, 30],
        parts: [
          [1, 0],
          [3, 1],
          [2, 3],
        ],
      },
      { edges: [0, 10, 20], parts: [[0, 0]] },
    ])
  })

  test('do not grow beyond what one answer may be', () => {
    const edges = (from: number) => Array.from({ length: 6_001 }, (_, i) => from + i)
    expect(runsOf(edges(0), edges(6_000)).map(({ edges }) => edges.length)).toEqual([6_001, 6_001])
  })
})
