/** Reads beyond the end are 0: every reader checks its bounds before it believes what it read. */
export function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0
}

export function uint16At(bytes: Uint8Array, at: number): number {
  return (byteAt(bytes, at) << 8) | byteAt(bytes, at + 1)
}
