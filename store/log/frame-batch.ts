import { AppError, type FrameFields, FrameWriter } from '../../model/index.ts'
import type { FrameOwner } from './log-appender.ts'
import type { LogPosition } from './message-log.ts'

export type AppendDone = (error: Error | undefined, position: LogPosition) => void

/** A batch with a larger buffer is not kept for use again. */
const keptBytes = 1024 * 1024

/** Frames that go to the log together, and who waits for each. Used again and again: nothing is allocated per frame. */
export class FrameBatch {
  readonly #writer = new FrameWriter()
  #owners: FrameOwner[] = []
  #dones: AppendDone[] = []

  get bytes(): number {
    return this.#writer.length
  }

  get count(): number {
    return this.#writer.count
  }

  get reusable(): boolean {
    return this.#writer.bytes.length <= keptBytes
  }

  push(fields: FrameFields, owner: FrameOwner, done: AppendDone): void {
    this.#writer.append(fields)
    this.#owners.push(owner)
    this.#dones.push(done)
  }

  view(): Buffer {
    return this.#writer.view()
  }

  /** Everything is on disk; the last frame ends at `end`. */
  settle(end: LogPosition): void {
    const { bytes, length } = this.#writer
    const start = end - length
    let at = 0
    for (const done of this.#dones) {
      at += bytes.readUInt32LE(at)
      done(undefined, start + at)
    }
    this.#clear()
  }

  refuse(error: Error): void {
    const dones = this.#dones
    this.#clear()
    for (const done of dones) done(error, 0)
  }

  /** Takes out the frames whose owner has gone and tells them; the others keep their order. */
  dropClosed(): void {
    if (!this.#owners.some(({ closed }) => closed)) return
    const writer = this.#writer
    const { bytes } = writer
    const owners = this.#owners
    const dones = this.#dones
    const dropped: AppendDone[] = []
    this.#owners = []
    this.#dones = []
    let from = 0
    let to = 0
    for (const [index, done] of dones.entries()) {
      const size = bytes.readUInt32LE(from)
      const owner = owners[index]
      if (owner === undefined || owner.closed) dropped.push(done)
      else {
        bytes.copyWithin(to, from, from + size)
        to += size
        this.#owners.push(owner)
        this.#dones.push(done)
      }
      from += size
    }
    writer.length = to
    writer.count = this.#dones.length
    const error = new AppError('closed', 'append frame to log: whoever sent it has gone')
    for (const done of dropped) done(error, 0)
  }

  #clear(): void {
    this.#writer.clear()
    this.#owners = []
    this.#dones = []
  }
}
