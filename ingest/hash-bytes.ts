/**
 * A 53-bit hash of bytes, as a safe integer. Two lanes of 32 bits, each multiplied and mixed word by word, finished by
 * the avalanche of MurmurHash3 (Appleby, public domain). Not for secrets: whoever relies on it compares the bytes too,
 * or can only deceive himself.
 */
export function hashBytes(view: DataView, start: number, end: number, seed: number): number {
  let a = seed | 0
  let b = (end - start) ^ 0x9e3779b9
  let at = start
  for (const lastWord = end - 4; at <= lastWord; at += 4) {
    const word = view.getUint32(at, true)
    a = Math.imul(a ^ word, 0x85ebca6b)
    a = (a << 13) | (a >>> 19)
    b = Math.imul(b ^ word, 0xc2b2ae35)
    b = (b << 17) | (b >>> 15)
  }
  let tail = 0
  for (; at < end; at++) tail = (tail << 8) | view.getUint8(at)
  a = avalanche(Math.imul(a ^ tail, 0x85ebca6b) ^ b)
  b = avalanche(Math.imul(b ^ tail, 0xc2b2ae35) ^ a)
  return (b & 0x1fffff) * 0x1_0000_0000 + (a >>> 0)
}

function avalanche(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** Whether two runs of `length` bytes are the same. */
export function sameBytes(a: DataView, aStart: number, b: DataView, bStart: number, length: number): boolean {
  const words = length & ~3
  let i = 0
  for (; i < words; i += 4) if (a.getUint32(aStart + i, true) !== b.getUint32(bStart + i, true)) return false
  for (; i < length; i++) if (a.getUint8(aStart + i) !== b.getUint8(bStart + i)) return false
  return true
}
