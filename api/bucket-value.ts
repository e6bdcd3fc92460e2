import type { BucketColumns } from '../store/readings/index.ts'
import { columnNames, emptyBuckets } from '../store/readings/index.ts'

/** The buckets of a chunk, each made of what lies at or before `throughMs`. */
export interface ChunkValue {
  readonly throughMs: number
  readonly columns: BucketColumns
}

/** As bytes: `throughMs`, and the columns one after another, all of them doubles. */
export function encodeChunk({ throughMs, columns }: ChunkValue): Uint8Array {
  const size = columns.count.length
  const numbers = new Float64Array(1 + columnNames.length * size)
  numbers[0] = throughMs
  for (const [i, name] of columnNames.entries()) numbers.set(columns[name], 1 + i * size)
  return new Uint8Array(numbers.buffer)
}

/** Undefined: not the bytes of so many buckets. */
export function decodeChunk(bytes: Uint8Array, size: number): ChunkValue | undefined {
  const numberBytes = Float64Array.BYTES_PER_ELEMENT
  if (bytes.byteLength !== (1 + columnNames.length * size) * numberBytes) return undefined
  const aligned = bytes.byteOffset % numberBytes === 0 ? bytes : bytes.slice()
  const numbers = new Float64Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / numberBytes)
  const [throughMs = Number.NaN] = numbers
  const column = (i: number) => numbers.subarray(1 + i * size, 1 + (i + 1) * size)
  const columns = Object.fromEntries(columnNames.map((name, i) => [name, column(i)]))
  return { throughMs, columns: { ...emptyBuckets(0), ...columns } }
}

/** Writes buckets [from, to) of `columns` from `at` on. */
export function copyBuckets(
  into: BucketColumns,
  at: number,
  columns: BucketColumns,
  [from, to]: readonly [number, number],
) {
  for (const name of columnNames) into[name].set(columns[name].subarray(from, to), at)
}
