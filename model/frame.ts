import { AppError } from './errors.ts'

/**
 * The log is a run of frames, back to back, little endian:
 *
 *     0  u32  size of the whole frame, header included
 *     4  u8   kind
 *     5  u8   flags: bits 0-1 QoS, bit 2 DUP, bit 3 RETAIN
 *     6  u16  packet identifier (0 without)
 *     8  f64  received time, epoch ms; never decreases along the log
 *    16  u32  session: a number that names one MQTT session of a client; a clean session gets a new one; 0: it came by none
 *    20  u16  origin length
 *    22  u16  topic length
 *    24  origin (UTF-8: principal, U+0000, client id), topic (UTF-8), payload (the rest)
 *
 * kind      topic                                      payload
 * message   the PUBLISH's                              the PUBLISH's
 * tick      -                                          - (the log is complete until its received time)
 * presence  connected | disconnected | broker-started  for disconnected: the reason
 * control   site/{id}, profile/{id}, device/{id}, …    the record as JSON; empty: it is gone
 * refusal   the topic refused                          reason code (and `: ` what was wrong), U+0000, the payload refused (cut)
 * seal      -                                          a log adapter's own (checksums); readers pass over it
 */
export const frameKind = { message: 1, tick: 2, presence: 3, control: 4, refusal: 5, seal: 6 } as const
export type FrameKind = (typeof frameKind)[keyof typeof frameKind]

export const frameFlags = { qosMask: 0b11, dup: 0b100, retain: 0b1000 } as const

export const frameHeaderBytes = 24
/** Of frames that came by no MQTT session: what was pushed, and what the platform says itself. */
export const noSession = 0
/** Topic and origin are at most 65,535 bytes each [MQTT-1.5.3], a payload at most 268,435,455 (MQTT 3.1.1, 2.2.3). */
export const maxFrameBytes = frameHeaderBytes + 2 * 0xffff + 0x0fffffff

const empty = new Uint8Array(0)
const encoder = new TextEncoder()

const maxOriginBytes = 0xffff

/**
 * Who a frame comes from, encoded once per connection. Throws `too_large` for a client id that leaves no room for its
 * principal: MQTT allows 65,535 bytes for the id alone.
 */
export function encodeOrigin(principal: string, clientId: string): Uint8Array {
  const origin = encoder.encode(`${principal}\0${clientId}`)
  if (origin.length <= maxOriginBytes) return origin
  throw new AppError('too_large', `encode origin of ${principal} failed: a client id of ${clientId.length} characters`)
}

export interface FrameFields {
  readonly kind: FrameKind
  readonly flags?: number
  readonly packetId?: number
  readonly receivedMs: number
  readonly session?: number
  readonly origin?: Uint8Array
  readonly topic?: string | Uint8Array
  readonly payload?: Uint8Array
}

/** Gathers frames in one growing buffer. Hot: `fields` may be one object that the caller reuses. */
export class FrameWriter {
  bytes: Buffer
  length = 0
  count = 0

  constructor(capacity = 64 * 1024) {
    this.bytes = Buffer.allocUnsafeSlow(capacity)
  }

  append(fields: FrameFields): void {
    const origin = fields.origin ?? empty
    const payload = fields.payload ?? empty
    const topic = fields.topic ?? empty
    const topicBound = typeof topic === 'string' ? topic.length * 3 : topic.length
    this.#reserve(frameHeaderBytes + origin.length + topicBound + payload.length)
    const { bytes, length: start } = this
    let at = start + frameHeaderBytes
    bytes.set(origin, at)
    at += origin.length
    let topicLength: number
    if (typeof topic === 'string') topicLength = bytes.write(topic, at, 'utf8')
    else {
      bytes.set(topic, at)
      topicLength = topic.length
    }
    at += topicLength
    bytes.set(payload, at)
    at += payload.length
    bytes.writeUInt32LE(at - start, start)
    bytes[start + 4] = fields.kind
    bytes[start + 5] = fields.flags ?? 0
    bytes.writeUInt16LE(fields.packetId ?? 0, start + 6)
    bytes.writeDoubleLE(fields.receivedMs, start + 8)
    bytes.writeUInt32LE(fields.session ?? 0, start + 16)
    bytes.writeUInt16LE(origin.length, start + 20)
    bytes.writeUInt16LE(topicLength, start + 22)
    this.length = at
    this.count++
  }

  /** The frames so far, a view: valid until the next append or clear. */
  view(): Buffer {
    return this.bytes.subarray(0, this.length)
  }

  clear(): void {
    this.length = 0
    this.count = 0
  }

  #reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return
    const wider = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.length + more))
    wider.set(this.bytes.subarray(0, this.length))
    this.bytes = wider
  }
}

/** Walks frames without an allocation per frame: fields are valid after `next()` returned true, until the next call. */
export class FrameCursor {
  bytes: Buffer = Buffer.alloc(0)
  /** Of the same bytes; its reads cost a fraction of the Buffer's, which check their arguments first. */
  view = new DataView(this.bytes.buffer, this.bytes.byteOffset, 0)
  kind: FrameKind = frameKind.tick
  flags = 0
  packetId = 0
  receivedMs = 0
  session = 0
  originStart = 0
  topicStart = 0
  payloadStart = 0
  /** Offset behind the frame; the slice's start position + `end` is the frame's position. */
  end = 0

  reset(bytes: Uint8Array): void {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.end = 0
  }

  /** False at the end, and at a frame that is not whole. Seals are passed over. */
  next(): boolean {
    const { view } = this
    for (;;) {
      const start = this.end
      if (start + frameHeaderBytes > view.byteLength) return false
      const size = view.getUint32(start, true)
      if (size < frameHeaderBytes || start + size > view.byteLength) return false
      this.end = start + size
      const kind = view.getUint8(start + 4) as FrameKind
      if (kind === frameKind.seal) continue
      this.kind = kind
      this.flags = view.getUint8(start + 5)
      this.packetId = view.getUint16(start + 6, true)
      this.receivedMs = view.getFloat64(start + 8, true)
      this.session = view.getUint32(start + 16, true)
      this.originStart = start + frameHeaderBytes
      this.topicStart = this.originStart + view.getUint16(start + 20, true)
      this.payloadStart = this.topicStart + view.getUint16(start + 22, true)
      return true
    }
  }

  topic(): string {
    return this.bytes.toString('utf8', this.topicStart, this.payloadStart)
  }

  /** A view into the slice; copy it to keep it. */
  payload(): Buffer {
    return this.bytes.subarray(this.payloadStart, this.end)
  }

  principal(): string {
    const nul = this.bytes.indexOf(0, this.originStart)
    const end = nul >= 0 && nul < this.topicStart ? nul : this.topicStart
    return this.bytes.toString('utf8', this.originStart, end)
  }

  clientId(): string {
    const nul = this.bytes.indexOf(0, this.originStart)
    return nul >= 0 && nul < this.topicStart ? this.bytes.toString('utf8', nul + 1, this.topicStart) : ''
  }
}
