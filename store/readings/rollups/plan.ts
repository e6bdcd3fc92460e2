import { type Span, slotEnd, slotStart } from './slots.ts'

/** Neighbouring parts of the buckets that are answered by one question. */
export interface Piece {
  readonly kind: 'raw' | 'rolled'
  /** Bucket that the first part belongs to; the others follow it one by one. */
  readonly firstBucket: number
  /** Of the parts; they may begin and end within a bucket. */
  readonly edgesMs: Float64Array
}

/** What the rollups of a series can answer. */
export interface Rolled {
  /** Ascending, apart from each other; their ends are begins of slots. In them every reading is rolled up. */
  readonly spans: readonly Span[]
  /** Before this there are no raw readings any more. */
  readonly rawFromMs: number
}

/** Each raw piece is a question of its own: beyond so many one question over everything is faster. */
const mostRawPieces = 6

/** Cuts ascending buckets into what rollups answer, whole slots only, and what raw readings have to. Ascending, nothing twice. */
export function planPieces(edgesMs: Float64Array, { spans, rawFromMs }: Rolled): readonly Piece[] {
  const pieces = cut(edgesMs, spans, rawFromMs)
  if (pieces.filter(({ kind }) => kind === 'raw').length <= mostRawPieces) return pieces
  const gone = spans.flatMap(({ fromMs, toMs }) => {
    const endMs = Math.min(toMs, rawFromMs)
    return fromMs < endMs ? [{ fromMs, toMs: endMs }] : []
  })
  return cut(edgesMs, gone, rawFromMs)
}

function cut(edgesMs: Float64Array, spans: readonly Span[], rawFromMs: number): readonly Piece[] {
  const pieces: { kind: Piece['kind']; firstBucket: number; edges: number[] }[] = []

  function add(kind: Piece['kind'], bucket: number, fromMs: number, toMs: number): void {
    const startMs = kind === 'raw' ? Math.max(fromMs, rawFromMs) : fromMs
    if (startMs >= toMs) return
    const last = pieces.at(-1)
    if (last?.kind !== kind || last.edges.at(-1) !== startMs) {
      pieces.push({ kind, firstBucket: bucket, edges: [startMs, toMs] })
      return
    }
    // Of the same bucket two parts that touch are one.
    if (last.firstBucket + last.edges.length - 2 === bucket) last.edges.pop()
    last.edges.push(toMs)
  }

  let next = 0
  for (let bucket = 0; bucket < edgesMs.length - 1; bucket++) {
    const endMs = edgesMs[bucket + 1] ?? 0
    let atMs = edgesMs[bucket] ?? 0
    while (next < spans.length && (spans[next]?.toMs ?? 0) <= atMs) next++
    for (let i = next; i < spans.length; i++) {
      const { fromMs = 0, toMs = 0 } = spans[i] ?? {}
      if (fromMs >= endMs) break
      const rolledFromMs = slotEnd(Math.max(atMs, fromMs))
      const rolledToMs = slotStart(Math.min(endMs, toMs))
      if (rolledFromMs >= rolledToMs) continue
      add('raw', bucket, atMs, rolledFromMs)
      add('rolled', bucket, rolledFromMs, rolledToMs)
      atMs = rolledToMs
    }
    add('raw', bucket, atMs, endMs)
  }
  return pieces.map(({ kind, firstBucket, edges }) => ({ kind, firstBucket, edgesMs: Float64Array.from(edges) }))
}
