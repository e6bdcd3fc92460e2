import { idPattern } from '../../model/index.ts'
import { describeValue } from '../draft.ts'
import { type Decoder, textOf } from './decoder.ts'
import { parseDeviceJson } from './json-text.ts'
import { isObject } from './native-json.ts'

/** So many fields and so long texts are kept; what goes beyond is listed as rejected. */
const mostFields = 16
const longestText = 256

/** What a device says of itself: `{"model":…,"serial":…,"firmware":…}` and other short fields. */
export const decodeInfo: Decoder = (message, draft) => {
  const parsed = parseDeviceJson(textOf(message))
  if ('message' in parsed) return draft.problem('not_json', parsed.message)
  if (!isObject(parsed.value))
    return draft.problem('wrong_shape', `${describeValue(parsed.value)} where an object belongs`)
  const kept: [string, string | number | boolean][] = []
  for (const [name, value] of Object.entries(parsed.value)) {
    if (!idPattern.test(name)) draft.problem('wrong_shape', `a field named ${JSON.stringify(name)}`)
    else if (kept.length >= mostFields) draft.problem('wrong_shape', `a field too many: ${name}`)
    else if (typeof value === 'string' && value.length <= longestText) kept.push([name, value])
    else if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value)))
      kept.push([name, value])
    else draft.problem('wrong_type', `${name}: ${describeValue(value)}`)
  }
  draft.info = Object.fromEntries(kept)
}
