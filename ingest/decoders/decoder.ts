import type { MessageDraft } from '../draft.ts'

/** One message to decode: the payload is bytes[start, end). Hot: the caller reuses one object. */
export interface EncodedMessage {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
  /** Where the topic names a single metric, else ''. */
  readonly metric: string
}

/**
 * Reads one payload format into the draft: rows, values, and a problem for whatever cannot be used. Never throws on bad
 * input, and a bad value never costs the good ones beside it.
 */
export type Decoder = (message: EncodedMessage, draft: MessageDraft) => void

export function textOf({ bytes, start, end }: EncodedMessage): string {
  return bytes.toString('utf8', start, end)
}
