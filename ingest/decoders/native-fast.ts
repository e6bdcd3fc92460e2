import { millisecondsOf } from '../../model/index.ts'
import type { MessageDraft } from '../draft.ts'
import type { KeyShape } from '../memory/key-shape.ts'
import type { EncodedMessage } from './decoder.ts'
import { NumberScanner } from './number-bytes.ts'

const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const openObject = 0x7b
const closeObject = 0x7d
const openArray = 0x5b
const closeArray = 0x5d

const tsKey = Buffer.from('"ts"')
const valuesKey = Buffer.from('"values"')

/** A metric's name and its quotes. */
const longestKey = 66

/**
 * Reads well-formed native telemetry of metrics that the device is known to have, straight from bytes, in a fraction of
 * what JSON.parse takes. False: anything unusual; the draft is then empty, and the general decoder, whose word is the
 * last, reads the message.
 */
export type FastDecoder = (message: EncodedMessage, draft: MessageDraft) => boolean

export function createNativeFast(): FastDecoder {
  const scanner = new NumberScanner()
  const unusual = -1
  /** Offset of the structural character matched last. */
  let matchedAt = 0

  function skipSpace(bytes: Buffer, at: number): number {
    for (let code = bytes[at]; code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09; code = bytes[++at]);
    return at
  }

  /** Behind `code` and the white space around it, or `unusual`. */
  function expect(bytes: Buffer, at: number, code: number): number {
    if (bytes[at] !== code) {
      at = skipSpace(bytes, at)
      if (bytes[at] !== code) return unusual
    }
    matchedAt = at
    at++
    // The most frequent case first: no white space at all.
    return (bytes[at] ?? 0) > 0x20 ? at : skipSpace(bytes, at)
  }

  function startsWith(bytes: Buffer, at: number, key: Uint8Array): boolean {
    for (let i = 0; i < key.length; i++) if (bytes[at + i] !== key[i]) return false
    return true
  }

  /** Behind the key at `at`, which is the shape's `index`th from then on, or `unusual`. */
  function readKey(bytes: Buffer, at: number, index: number, shape: KeyShape, draft: MessageDraft): number {
    if (index < shape.length) {
      const end = shape.ends[index] ?? 0
      let i = index === 0 ? 0 : (shape.ends[index - 1] ?? 0)
      const from = at - i
      while (i < end && bytes[from + i] === shape.bytes[i]) i++
      if (i === end) return from + end
    }
    return learnKey(bytes, at, index, shape, draft)
  }

  function learnKey(bytes: Buffer, at: number, index: number, shape: KeyShape, draft: MessageDraft): number {
    if (bytes[at] !== quote) return unusual
    const last = Math.min(at + longestKey, bytes.length)
    let end = at + 1
    while (end < last && bytes[end] !== quote) end++
    if (end === last) return unusual
    // An escape or a byte above 127 makes a name that no metric has.
    const slot = draft.device.slots.get(bytes.toString('latin1', at + 1, end))
    if (slot === undefined || !shape.learn(index, bytes.subarray(at, end + 1), slot)) return unusual
    return end + 1
  }

  /** Behind `{"name":number,…}`, which begins after its brace at `at`. */
  function readValues(bytes: Buffer, at: number, shape: KeyShape, draft: MessageDraft): number {
    for (let index = 0; ; index++) {
      at = readKey(bytes, at, index, shape, draft)
      if (at < 0) return unusual
      at = expect(bytes, at, colon)
      if (at < 0) return unusual
      const value = scanner.scan(bytes, at)
      // NaN and infinite alike.
      if (!(value - value === 0)) return unusual
      draft.push(shape.slots[index] ?? 0, value)
      at = scanner.end
      if (bytes[at] === comma && (bytes[at + 1] ?? 0) > 0x20) at++
      else {
        const next = expect(bytes, at, comma)
        if (next < 0) return expect(bytes, at, closeObject)
        at = next
      }
    }
  }

  /** Behind the row whose brace is at `at`. */
  function readRow(bytes: Buffer, at: number, shape: KeyShape, draft: MessageDraft): number {
    at = expect(bytes, at, openObject)
    if (at < 0) return unusual
    let timeMs = Number.NaN
    if (startsWith(bytes, at, tsKey)) {
      at = expect(bytes, at + tsKey.length, colon)
      if (at < 0) return unusual
      timeMs = millisecondsOf(scanner.scan(bytes, at))
      if (!(timeMs - timeMs === 0)) return unusual
      at = expect(bytes, scanner.end, comma)
      if (at < 0) return unusual
    }
    if (!draft.beginRow(timeMs)) return unusual
    if (!startsWith(bytes, at, valuesKey)) return readValues(bytes, at, shape, draft)
    at = expect(bytes, at + valuesKey.length, colon)
    if (at >= 0) at = expect(bytes, at, openObject)
    if (at >= 0) at = readValues(bytes, at, shape, draft)
    return at < 0 ? unusual : expect(bytes, at, closeObject)
  }

  function readRows(bytes: Buffer, at: number, shape: KeyShape, draft: MessageDraft): number {
    at = expect(bytes, at, openArray)
    while (at >= 0) {
      at = readRow(bytes, at, shape, draft)
      if (at < 0) return unusual
      const next = expect(bytes, at, comma)
      if (next < 0) return expect(bytes, at, closeArray)
      at = next
    }
    return unusual
  }

  return ({ bytes, start, end }, draft) => {
    const { shape } = draft.device
    const at = skipSpace(bytes, start)
    const behind = bytes[at] === openArray ? readRows(bytes, at, shape, draft) : readRow(bytes, at, shape, draft)
    // Frames lie back to back, and what is read beyond the payload belongs to the next one. The reading goes only
    // forward: when the last brace is inside the payload, everything before it was.
    if (behind >= 0 && matchedAt < end && skipSpace(bytes, matchedAt + 1) >= end) return true
    draft.clear()
    return false
  }
}
