import { parseDeviceTime } from '../device-time.ts'
import { describeValue } from '../draft.ts'
import { type Decoder, textOf } from './decoder.ts'
import { parseDeviceJson } from './json-text.ts'
import { isObject } from './native-json.ts'
import { NumberScanner } from './number-bytes.ts'

/** A number as people and printf write it: JSON's, but also `+1`, `.5`, `1.`, `007`. */
const plainNumber = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/
const notFinite = /^[+-]?(nan|inf|infinity)$/i

/** One value per topic: a plain number, `true` or `false`, or JSON with `value` and, if it likes, `ts`. */
export function createScalarDecoder(): Decoder {
  const scanner = new NumberScanner()
  return (message, draft) => {
    const slot = draft.device.slots.get(message.metric)
    const value = scanner.scan(message.bytes, message.start)
    // A bare number of a known metric, as nearly all are. What lies behind the payload is the next frame.
    if (slot !== undefined && scanner.end === message.end && Number.isFinite(value)) {
      if (draft.beginRow(Number.NaN)) draft.push(slot, value)
    } else decodeText(message, draft)
  }
}

const decodeText: Decoder = (message, draft) => {
  const { metric } = message
  const text = textOf(message).trim()
  if (plainNumber.test(text)) {
    if (draft.beginRow(Number.NaN)) draft.value(metric, Number(text))
    return
  }
  if (notFinite.test(text)) return draft.problem('not_finite', `${metric}: ${text}`)
  const parsed = parseDeviceJson(text)
  if ('message' in parsed) return draft.problem('wrong_type', `${metric}: ${describeValue(text)}`)
  const { value } = parsed
  if (!isObject(value)) {
    if (draft.beginRow(Number.NaN)) draft.value(metric, value)
    return
  }
  if (!Object.hasOwn(value, 'value')) return draft.problem('wrong_shape', 'an object without "value"')
  const timeMs = Object.hasOwn(value, 'ts') ? parseDeviceTime(value['ts']) : Number.NaN
  if (timeMs === undefined) return draft.problem('wrong_type', `ts: ${describeValue(value['ts'])}`)
  if (draft.beginRow(timeMs)) draft.value(metric, value['value'])
}
