const space = new Set([0x20, 0x09, 0x0a, 0x0d])
const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const openObject = 0x7b
const closeObject = 0x7d
const openArray = 0x5b
const closeArray = 0x5d

/** By byte: 1 where it matters here. */
const structural = new Uint8Array(256)
for (const code of [quote, comma, openObject, closeObject, openArray, closeArray]) structural[code] = 1

/** Deeper is nothing that anybody measures, and costs the parser most. */
export const deepest = 64
/** Commas within one row: twice the metrics that a device may have. */
export const mostMembers = 20_000

/** What of a long JSON text can be looked at by itself. */
export type RowSlice =
  /** Rows of an array: `[`, bytes[from, to) and `]` is JSON if and only if this part of the text is. */
  | { readonly kind: 'rows'; readonly from: number; readonly to: number }
  /** The whole text: no array. */
  | { readonly kind: 'whole' }
  | { readonly kind: 'fault'; readonly reason: 'not_json' | 'wrong_shape'; readonly detail: string }

const fault = (reason: 'not_json' | 'wrong_shape', detail: string): RowSlice => ({ kind: 'fault', reason, detail })

/**
 * Cuts an array at commas between its elements into slices of about `sliceBytes`, which come as the text is gone through; a
 * fault ends it. Whether a slice is JSON it does not say, but nothing that is slips through for being cut.
 */
export function* rowSlices(bytes: Uint8Array, sliceBytes: number): Generator<RowSlice> {
  let at = 0
  while (space.has(bytes[at] ?? 0)) at++
  const isArray = bytes[at] === openArray
  /** What is one row is at this depth. */
  const rowDepth = isArray ? 1 : 0
  const first = at + 1
  let from = first
  let depth = rowDepth
  let members = 0
  let isBlank = true
  if (isArray) at++

  for (; at < bytes.length; at++) {
    const code = bytes[at] ?? 0
    if (code === quote) {
      at = endOfString(bytes, at)
      isBlank = false
    } else if (code === openObject || code === openArray) {
      if (++depth > deepest) return yield fault('wrong_shape', `nested more than ${deepest} deep`)
      isBlank = false
    } else if (code === closeObject || code === closeArray) {
      if (isArray && depth === rowDepth) break
      depth--
    } else if (code === comma) {
      if (depth > rowDepth) {
        if (++members > mostMembers) return yield fault('wrong_shape', `more than ${mostMembers} values in one row`)
        continue
      }
      members = 0
      if (!isArray || at - from < sliceBytes) continue
      yield { kind: 'rows', from, to: at }
      from = at + 1
      isBlank = true
    } else if (isBlank) isBlank = space.has(code)
    else at = endOfPlain(bytes, at)
  }
  if (!isArray) return yield { kind: 'whole' }
  if (bytes[at] !== closeArray)
    return yield fault(
      'not_json',
      at < bytes.length ? `} at position ${at} closes an array` : 'Unexpected end of JSON input',
    )
  // One comma too many would vanish where the text is cut.
  if (isBlank && from > first) return yield fault('not_json', `no value before position ${at}`)
  yield { kind: 'rows', from, to: at }
  while (space.has(bytes[++at] ?? 0));
  if (at < bytes.length) yield fault('not_json', `something behind the array, at position ${at}`)
}

/** Of the last byte in a row that means nothing here. */
function endOfPlain(bytes: Uint8Array, at: number): number {
  while (at + 1 < bytes.length && structural[bytes[at + 1] ?? 0] === 0) at++
  return at
}

/** Of the closing quote; where there is none, the end of the text. */
function endOfString(bytes: Uint8Array, at: number): number {
  for (at++; at < bytes.length && bytes[at] !== quote; at++) if (bytes[at] === backslash) at++
  return at
}
