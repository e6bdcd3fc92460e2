import { isUtf8 } from 'node:buffer'
import { byteAt } from './bytes.ts'
import { type Violation, violations } from './violation.ts'

const slash = 0x2f
const plus = 0x2b
const hash = 0x23

/** A UTF-8 string of the wire (1.5.3): well-formed (so without surrogates), and without U+0000. */
export function checkText(bytes: Uint8Array, from: number, to: number): Violation | undefined {
  let ascii = true
  for (let i = from; i < to; i++) {
    const byte = byteAt(bytes, i)
    if (byte === 0) return violations.nullCharacter
    if (byte >= 0x80) ascii = false
  }
  return ascii || isUtf8(bytes.subarray(from, to)) ? undefined : violations.illFormedUtf8
}

export function checkTopicName(bytes: Uint8Array, from: number, to: number): Violation | undefined {
  if (from === to) return violations.emptyTopic
  for (let i = from; i < to; i++) {
    const byte = byteAt(bytes, i)
    if (byte === plus || byte === hash) return violations.topicWildcard
  }
  return checkText(bytes, from, to)
}

export function checkTopicFilter(bytes: Uint8Array, from: number, to: number): Violation | undefined {
  if (from === to) return violations.emptyTopic
  for (let i = from; i < to; i++) {
    const byte = byteAt(bytes, i)
    if (byte !== plus && byte !== hash) continue
    const beginsLevel = i === from || byteAt(bytes, i - 1) === slash
    const endsFilter = i + 1 === to
    if (byte === hash && !(beginsLevel && endsFilter)) return violations.multiLevelWildcard
    if (byte === plus && !(beginsLevel && (endsFilter || byteAt(bytes, i + 1) === slash)))
      return violations.singleLevelWildcard
  }
  return checkText(bytes, from, to)
}
