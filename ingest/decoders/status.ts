import { describeValue } from '../draft.ts'
import { type Decoder, textOf } from './decoder.ts'

/** `online` or `offline`, as plain text or as a JSON string; a will says `offline`. */
export const decodeStatus: Decoder = (message, draft) => {
  const text = textOf(message).trim()
  if (text === 'online' || text === '"online"') draft.status = 'online'
  else if (text === 'offline' || text === '"offline"') draft.status = 'offline'
  else draft.problem('wrong_shape', `${describeValue(text)} is neither online nor offline`)
}
