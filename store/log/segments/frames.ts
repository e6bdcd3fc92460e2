import { AppError, frameHeaderBytes, frameKind } from '../../../model/index.ts'
import { sealBytes, sealedBytes } from './seal.ts'

/** A batch as Node's own buffer type, over the same bytes. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/**
 * Received time of the last frame. Throws `invalid_input` when the bytes are not one or more whole frames: once on disk
 * such a batch would stop every reader for ever.
 */
export function lastReceivedMs(batch: Buffer): number {
  let last = -1
  let at = 0
  while (at + frameHeaderBytes <= batch.length) {
    last = at
    const size = batch.readUInt32LE(at)
    if (size < frameHeaderBytes) break
    at += size
  }
  if (last < 0 || at !== batch.length) {
    throw new AppError('invalid_input', `append ${batch.length} bytes to log: not whole frames, broken at byte ${at}`)
  }
  return batch.readDoubleLE(last + 8)
}

/**
 * End of the run of whole frames that starts at `from`: up to about `maxBytes`, but at least one frame that is not a
 * seal. `bytes` holds whole, verified commits. Undefined when no frame starts at `from`.
 */
export function wholeFramesEnd(bytes: Buffer, from: number, maxBytes: number): number | undefined {
  const limit = Math.min(bytes.length, from + maxBytes)
  let at = from
  let found = false
  while (at < bytes.length) {
    if (at + frameHeaderBytes > bytes.length) return undefined
    let size = bytes.readUInt32LE(at)
    if (size < frameHeaderBytes || at + size > bytes.length) return undefined
    let isFrame = bytes[at + 4] !== frameKind.seal
    if (!isFrame && size === sealBytes) {
      const commit = size + sealedBytes(bytes, at)
      // A commit that fits is passed in one step.
      if (at + commit <= limit) {
        size = commit
        isFrame = true
      }
    }
    if (found && at + size > limit) break
    at += size
    found ||= isFrame
  }
  return at
}
