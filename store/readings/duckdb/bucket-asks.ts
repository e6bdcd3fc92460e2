import { type Piece, planPieces, type Rolled } from '../rollups/index.ts'
import { type BucketPart, bucketRuns } from './bucket-runs.ts'
import type { RowKey, Slot } from './tables.ts'

export interface BucketQuestion {
  readonly slot: Slot
  readonly edgesMs: Float64Array
}

/** What one statement, or a few where months differ in length, answers of one table. */
export interface BucketAsk {
  readonly kind: Piece['kind']
  /** The longest there is. */
  edgesMs: Float64Array
  /** Until when each key is asked for; of a rolled piece always all of it. */
  readonly endsMs: Map<number, number>
  readonly columns: Set<number>
}

/** Buckets of some metrics of one key that follow each other. */
export interface PlannedRun {
  readonly key: number
  readonly columns: readonly number[]
  readonly buckets: number
  /** Ascending. */
  readonly pieces: readonly { readonly ask: BucketAsk; readonly firstBucket: number }[]
  /** Where the buckets of questions begin in it; indices are of the questions. */
  readonly parts: readonly BucketPart[]
}

export interface BucketPlan {
  readonly questions: readonly BucketQuestion[]
  readonly asks: readonly BucketAsk[]
  readonly runs: readonly PlannedRun[]
}

/**
 * Of questions about one table: each reads a time once for all that want it, whatever keys and metrics they are about, for a
 * statement costs what it scans. Memory answers what comes behind, from a time of each series: so ends may differ.
 */
export function planBuckets(questions: readonly BucketQuestion[], rolledOf: (row: RowKey) => Rolled): BucketPlan {
  const asks = new Map<string, BucketAsk>()
  const runs: PlannedRun[] = []
  for (const [key, indices] of indicesByKey(questions)) {
    const asked = indices.flatMap((index) => questions[index] ?? [])
    const [first] = asked
    if (first === undefined) continue
    const rolled = rolledOf(first.slot)
    for (const run of bucketRuns(asked.map(({ edgesMs }) => edgesMs))) {
      const columns = [...new Set(run.parts.flatMap(({ index }) => asked[index]?.slot.column ?? []))]
      const pieces = planPieces(run.edgesMs, rolled).map((piece) => ({
        ask: join(asks, piece, key, columns),
        firstBucket: piece.firstBucket,
      }))
      const parts = run.parts.map((part) => ({ ...part, index: indices[part.index] ?? -1 }))
      runs.push({ key, columns, buckets: run.edgesMs.length - 1, pieces, parts })
    }
  }
  return { questions, asks: [...asks.values()], runs }
}

/** The length of all buckets but the first and the last, which may be cut; undefined: they differ. */
export function uniformStep(edgesMs: Float64Array): number | undefined {
  const lengthOf = (i: number) => (edgesMs[i + 1] ?? 0) - (edgesMs[i] ?? 0)
  const count = edgesMs.length - 1
  const stepMs = count > 2 ? lengthOf(1) : Math.max(lengthOf(0), lengthOf(count - 1))
  for (let i = 2; i < count - 1; i++) if (lengthOf(i) !== stepMs) return undefined
  return lengthOf(0) <= stepMs && lengthOf(count - 1) <= stepMs ? stepMs : undefined
}

function indicesByKey(questions: readonly BucketQuestion[]): Map<number, number[]> {
  const byKey = new Map<number, number[]>()
  for (const [index, { slot }] of questions.entries()) {
    const indices = byKey.get(slot.key)
    if (indices === undefined) byKey.set(slot.key, [index])
    else indices.push(index)
  }
  return byKey
}

function join(asks: Map<string, BucketAsk>, piece: Piece, key: number, columns: readonly number[]): BucketAsk {
  const { kind, edgesMs } = piece
  const name = likenessOf(piece)
  // One key may want the same time twice, to different ends: that would count twice.
  const known = asks.get(name)
  const ask =
    known === undefined || known.endsMs.has(key)
      ? { kind, edgesMs, endsMs: new Map(), columns: new Set<number>() }
      : known
  if (known === undefined) asks.set(name, ask)
  else if (ask !== known) asks.set(`${name} ${asks.size}`, ask)
  ask.endsMs.set(key, edgesMs.at(-1) ?? 0)
  for (const column of columns) ask.columns.add(column)
  if ((edgesMs.at(-1) ?? 0) > (ask.edgesMs.at(-1) ?? 0)) ask.edgesMs = edgesMs
  return ask
}

/** Pieces of the same likeness have the same edges as far as both go, but for where they end. */
function likenessOf({ kind, edgesMs }: Piece): string {
  if (kind === 'rolled') return `rolled ${textOf(edgesMs)}`
  const stepMs = uniformStep(edgesMs)
  if (edgesMs.length < 4 || stepMs === undefined) return `raw ${textOf(edgesMs.subarray(0, -1))}`
  return `raw ${stepMs} ${edgesMs[0]} ${edgesMs[1]}`
}

function textOf({ buffer, byteOffset, byteLength }: Float64Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1')
}
