import type { FrameCursor } from '../model/index.ts'

export interface RefusalPayload {
  readonly code: string
  /** What exactly was wrong, where the refusal says it itself. */
  readonly said: string | undefined
  /** What was refused. */
  readonly payload: Buffer
}

/** A refusal's payload is the reason code, perhaps `: ` and what was wrong, U+0000, and what was refused. */
export function splitRefusal(frame: FrameCursor): RefusalPayload {
  const payload = frame.payload()
  const nul = payload.indexOf(0)
  const end = nul < 0 ? payload.length : nul
  const head = payload.toString('utf8', 0, end)
  const colon = head.indexOf(': ')
  const [code, said] = colon < 0 ? [head, undefined] : [head.slice(0, colon), head.slice(colon + 2)]
  return { code, said, payload: payload.subarray(end + 1) }
}
