import type { FrameCursor } from '../model/index.ts'

/** What the broker wrote of a PUBLISH that it refused: its code for the reason, U+0000, and what was refused. */
export function splitRefusal(frame: FrameCursor): readonly [code: string, payload: Buffer] {
  const payload = frame.payload()
  const nul = payload.indexOf(0)
  if (nul < 0) return [payload.toString('utf8'), payload.subarray(payload.length)]
  return [payload.toString('utf8', 0, nul), payload.subarray(nul + 1)]
}
