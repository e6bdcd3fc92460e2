import { parseDeviceTime } from '../device-time.ts'
import { describeValue, type MessageDraft } from '../draft.ts'
import { type Decoder, textOf } from './decoder.ts'
import { parseDeviceJson } from './json-text.ts'

/**
 * Native telemetry in its three forms: `{"voltage":229.8}` (time = arrival), `{"ts":…,"values":{…}}`, or an array of
 * those. `ts` beside the values (`{"ts":…,"voltage":229.8}`) is understood too. Other members beside `values` are the
 * device's own business.
 */
export const decodeNativeJson: Decoder = (message, draft) => {
  decodeNativeText(textOf(message), draft)
}

export function decodeNativeText(text: string, draft: MessageDraft): void {
  const parsed = parseDeviceJson(text)
  if ('message' in parsed) draft.problem('not_json', parsed.message)
  else if (!Array.isArray(parsed.value)) decodeRow(parsed.value, draft)
  else if (parsed.value.length === 0) draft.problem('wrong_shape', 'an empty array')
  else for (const row of parsed.value) decodeRow(row, draft)
}

function decodeRow(row: unknown, draft: MessageDraft): void {
  if (!isObject(row)) {
    draft.problem('wrong_shape', `${describeValue(row)} where an object belongs`)
    return
  }
  const enveloped = Object.hasOwn(row, 'values')
  const values = enveloped ? row['values'] : row
  const timeMs = Object.hasOwn(row, 'ts') ? parseDeviceTime(row['ts']) : Number.NaN
  if (!isObject(values)) draft.problem('wrong_type', `values: ${describeValue(values)}`)
  else if (timeMs === undefined) draft.problem('wrong_type', `ts: ${describeValue(row['ts'])}`)
  else if (draft.beginRow(timeMs)) decodeValues(values, enveloped, draft)
}

function decodeValues(values: Readonly<Record<string, unknown>>, enveloped: boolean, draft: MessageDraft): void {
  let members = 0
  for (const [name, value] of Object.entries(values)) {
    if (name === 'ts' && !enveloped) continue
    members++
    draft.value(name, value)
  }
  if (members === 0) draft.problem('wrong_shape', 'no values')
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
