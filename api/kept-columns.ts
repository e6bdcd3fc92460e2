const numberBytes = Float64Array.BYTES_PER_ELEMENT

/** As bytes: `throughMs`, and columns of one length, one after another, all of them doubles. */
export function encodeColumns(throughMs: number, columns: readonly ArrayLike<number>[]): Uint8Array {
  const length = columns[0]?.length ?? 0
  const numbers = new Float64Array(1 + columns.length * length)
  numbers[0] = throughMs
  for (const [i, column] of columns.entries()) numbers.set(column, 1 + i * length)
  return new Uint8Array(numbers.buffer)
}

/** Views of the bytes, which nobody may write into; undefined: they are not so many columns. */
export function decodeColumns(
  bytes: Uint8Array,
  count: number,
): { readonly throughMs: number; readonly columns: readonly Float64Array[] } | undefined {
  const length = (bytes.byteLength / numberBytes - 1) / count
  if (!Number.isInteger(length) || length < 0) return undefined
  const aligned = bytes.byteOffset % numberBytes === 0 ? bytes : bytes.slice()
  const numbers = new Float64Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / numberBytes)
  const columns = Array.from({ length: count }, (_, i) => numbers.subarray(1 + i * length, 1 + (i + 1) * length))
  return { throughMs: numbers[0] ?? Number.NaN, columns }
}
