import type { FrameFields } from '../../model/index.ts'
import { type AppendDone, FrameBatch } from './frame-batch.ts'
import type { FrameOwner } from './log-appender.ts'

/**
 * A batch takes no further frame beyond this, so that one commit stays short and one buffer small. Every log takes more
 * in one append (config.ts), so only a single frame can be too large.
 */
const batchBytes = 4 * 1024 * 1024
const spareBatches = 4

/** Frames on their way to the log, in order: complete batches, then the one that gathers. */
export class WaitingFrames {
  readonly #batches: FrameBatch[] = []
  readonly #spare: FrameBatch[] = []
  #gathering: FrameBatch | undefined
  #bytes = 0

  /** Of all frames that are not settled, those of a batch that was taken included. */
  get bytes(): number {
    return this.#bytes
  }

  get empty(): boolean {
    return this.#batches.length === 0
  }

  /** Copies the frame. Throws a RangeError, and takes nothing, when a field does not fit the frame's format. */
  push(fields: FrameFields, owner: FrameOwner, done: AppendDone, aboutBytes: number): void {
    let batch = this.#gathering
    if (batch === undefined || batch.bytes + aboutBytes > batchBytes) {
      batch = this.#spare.pop() ?? new FrameBatch()
      this.#gathering = batch
      this.#batches.push(batch)
    }
    const before = batch.bytes
    batch.push(fields, owner, done)
    this.#bytes += batch.bytes - before
  }

  /** The oldest batch; nothing more is gathered into it. */
  take(): FrameBatch | undefined {
    for (;;) {
      const batch = this.#batches.shift()
      if (batch === this.#gathering) this.#gathering = undefined
      if (batch === undefined || batch.count > 0) return batch
      this.#recycle(batch)
    }
  }

  putBack(batch: FrameBatch): void {
    this.#batches.unshift(batch)
  }

  /** The batch that was taken is on disk, though nobody has been told: its bytes wait no longer. */
  written(batch: FrameBatch): void {
    this.#bytes -= batch.bytes
  }

  settle(batch: FrameBatch, end: number): void {
    batch.settle(end)
    this.#recycle(batch)
  }

  refuse(batch: FrameBatch, error: Error): void {
    this.#bytes -= batch.bytes
    batch.refuse(error)
    this.#recycle(batch)
  }

  /** The number of frames refused. */
  refuseAll(error: Error): number {
    let count = 0
    for (let batch = this.take(); batch !== undefined; batch = this.take()) {
      count += batch.count
      this.refuse(batch, error)
    }
    return count
  }

  dropClosed(): void {
    for (const batch of this.#batches) {
      const before = batch.bytes
      batch.dropClosed()
      this.#bytes -= before - batch.bytes
    }
  }

  #recycle(batch: FrameBatch): void {
    if (batch.reusable && this.#spare.length < spareBatches) this.#spare.push(batch)
  }
}
