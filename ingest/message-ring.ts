import { FrameCursor, frameFlags, frameHeaderBytes, frameKind } from '../model/index.ts'
import type { LogPosition } from '../store/log/index.ts'
import { type MessageFate, type MessageView, messageFates, type RejectReason, rejectReasons } from './ports.ts'
import { splitRefusal } from './refusal-payload.ts'

/** What became of one message. */
export class Fate {
  kind: MessageFate = 'taken'
  /** Of the first thing that was wrong. */
  reason: RejectReason | undefined = undefined
  detail = ''

  clear(): void {
    this.kind = 'taken'
    this.reason = undefined
    this.detail = ''
  }

  problem(kind: MessageFate, reason: RejectReason, detail: string): void {
    if (this.reason !== undefined) return
    this.kind = kind
    this.reason = reason
    this.detail = detail
  }
}

const halfBytes = 2_048
const detailBytesMax = 200
/** Of an entry: its size, position, size of the whole payload, fate, reason, size of the detail. */
const at = { size: 0, position: 4, payloadBytes: 12, fate: 16, reason: 17, detailBytes: 18, detail: 20 } as const

/**
 * The newest messages of one device, as frames, each with what became of it. Two halves: the one that is being filled,
 * and the one before it, which is given up when the other is full.
 */
export class MessageRing {
  static readonly bytes = 2 * halfBytes
  readonly #bytes: Buffer
  /** Where the half that is being filled begins. */
  #start = 0
  #firstEnd = 0
  #secondEnd = halfBytes

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  clear(): void {
    this.#start = 0
    this.#firstEnd = 0
    this.#secondEnd = halfBytes
  }

  /** False: its topic alone is too long. What does not fit of its payload is cut. */
  keep(frame: FrameCursor, position: LogPosition, fate: Fate): boolean {
    const bytes = this.#bytes
    const frameStart = frame.originStart - frameHeaderBytes
    if (frame.payloadStart - frameStart > halfBytes - at.detail - detailBytesMax) return false
    const detailMost = fate.detail === '' ? 0 : Math.min(fate.detail.length * 3, detailBytesMax)
    const frameBytes = Math.min(frame.end - frameStart, halfBytes - at.detail - detailMost)
    const entry = this.#room(at.detail + detailMost + frameBytes)
    const detailBytes = detailMost === 0 ? 0 : bytes.write(fate.detail, entry + at.detail, detailMost)
    const frameAt = entry + at.detail + detailBytes
    const end = frameAt + frameBytes
    bytes.writeUInt32LE(end - entry, entry + at.size)
    bytes.writeDoubleLE(position, entry + at.position)
    bytes.writeUInt32LE(frame.end - frame.payloadStart, entry + at.payloadBytes)
    bytes[entry + at.fate] = messageFates.indexOf(fate.kind)
    bytes[entry + at.reason] = fate.reason === undefined ? 0xff : rejectReasons.indexOf(fate.reason)
    bytes.writeUInt16LE(detailBytes, entry + at.detailBytes)
    frame.bytes.copy(bytes, frameAt, frameStart, frameStart + frameBytes)
    // The frame's own size is what is here of it, so that a cursor reads it.
    bytes.writeUInt32LE(frameBytes, frameAt)
    if (this.#start === 0) this.#firstEnd = end
    else this.#secondEnd = end
    return true
  }

  /** The oldest first. */
  messages(): MessageView[] {
    const first = this.#read(0, this.#firstEnd)
    const second = this.#read(halfBytes, this.#secondEnd)
    return this.#start === 0 ? [...second, ...first] : [...first, ...second]
  }

  #room(size: number): number {
    const end = this.#start === 0 ? this.#firstEnd : this.#secondEnd
    if (end + size <= this.#start + halfBytes) return end
    this.#start = halfBytes - this.#start
    return this.#start
  }

  #read(start: number, end: number): MessageView[] {
    const messages: MessageView[] = []
    for (let entry = start; entry < end; ) {
      const size = this.#bytes.readUInt32LE(entry)
      messages.push(readEntry(this.#bytes.subarray(entry, entry + size)))
      entry += size
    }
    return messages
  }
}

function readEntry(entry: Buffer): MessageView {
  const frameAt = at.detail + entry.readUInt16LE(at.detailBytes)
  const frame = new FrameCursor()
  frame.reset(entry.subarray(frameAt))
  frame.next()
  const { receivedMs, flags, kind } = frame
  const kept = frame.payload()
  const payload = kind === frameKind.refusal ? splitRefusal(frame).payload : kept
  return {
    position: entry.readDoubleLE(at.position),
    receivedMs,
    principal: frame.principal(),
    clientId: frame.clientId(),
    topic: frame.topic(),
    qos: flags & frameFlags.qosMask,
    dup: (flags & frameFlags.dup) !== 0,
    retain: (flags & frameFlags.retain) !== 0,
    // A copy: the ring goes on.
    payload: Uint8Array.from(payload),
    payloadBytes: entry.readUInt32LE(at.payloadBytes) - (kept.length - payload.length),
    fate: messageFates[entry[at.fate] ?? 0] ?? 'taken',
    reason: rejectReasons[entry[at.reason] ?? 0xff] ?? null,
    detail: entry.toString('utf8', at.detail, frameAt),
  }
}
