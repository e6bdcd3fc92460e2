import type { FrameCursor } from '../model/index.ts'
import type { LogPosition } from '../store/log/index.ts'
import type { DeviceMemory } from './memory/device-memory.ts'
import { type Fate, MessageRing } from './message-ring.ts'
import type { MessagesSeen } from './ports.ts'

/** The view of one device; it may be taken over by another. */
export interface DeviceView {
  owner: DeviceMemory
  readonly ring: MessageRing
  windowEndMs: number
  /** Messages that are still kept in this window. */
  left: number
  passedOver: number
}

/** Rings are cut from pieces of this size. */
const slabBytes = 1024 * 1024
/** People read them, and a device at full speed must not pay for it. */
const keptPerSecond = 20

/**
 * The last messages of each device as they arrived: so many bytes for each, and in all. It is not part of ingest's
 * memory: a restart begins with what is read from the log again. When all of it is given out, a device that has no view
 * gets that of another, in turn.
 */
export class MessageViews {
  readonly #mostViews: number
  readonly #views: DeviceView[] = []
  #slab = Buffer.alloc(0)
  #slabUsed = 0
  #nextTaken = 0
  /** Messages up to here have been noted: those that are read again are not. */
  #position: LogPosition = 0

  constructor(bytesMax: number) {
    this.#mostViews = Math.floor(bytesMax / MessageRing.bytes)
  }

  /** Hot. `device`: whose message it is; undefined: nobody's. */
  note(device: DeviceMemory | undefined, frame: FrameCursor, position: LogPosition, fate: Fate): void {
    if (position <= this.#position) return
    this.#position = position
    if (device === undefined || this.#mostViews === 0) return
    const view = device.view ?? this.#viewFor(device)
    if (frame.receivedMs >= view.windowEndMs) {
      view.windowEndMs = frame.receivedMs + 1_000
      view.left = keptPerSecond
    }
    if (view.left > 0 && view.ring.keep(frame, position, fate)) view.left--
    else view.passedOver++
  }

  /** Those behind a position, the oldest first. */
  of(device: DeviceMemory | undefined, after: LogPosition): MessagesSeen {
    const view = device?.view
    if (view === undefined) return { messages: [], passedOver: 0 }
    const messages = view.ring.messages().filter(({ position }) => position > after)
    return { messages, passedOver: view.passedOver }
  }

  #viewFor(device: DeviceMemory): DeviceView {
    const view = this.#views.length < this.#mostViews ? this.#newView(device) : this.#takeOver(device)
    device.view = view
    return view
  }

  #newView(owner: DeviceMemory): DeviceView {
    if (this.#slabUsed + MessageRing.bytes > this.#slab.length) {
      const left = (this.#mostViews - this.#views.length) * MessageRing.bytes
      this.#slab = Buffer.allocUnsafeSlow(Math.min(slabBytes, left))
      this.#slabUsed = 0
    }
    const ring = new MessageRing(this.#slab.subarray(this.#slabUsed, this.#slabUsed + MessageRing.bytes))
    this.#slabUsed += MessageRing.bytes
    const view = { owner, ring, windowEndMs: Number.NEGATIVE_INFINITY, left: 0, passedOver: 0 }
    this.#views.push(view)
    return view
  }

  #takeOver(device: DeviceMemory): DeviceView {
    const view = this.#views[this.#nextTaken]
    if (view === undefined) throw new RangeError(`there is no view ${this.#nextTaken}`)
    this.#nextTaken = (this.#nextTaken + 1) % this.#views.length
    view.owner.view = undefined
    view.owner = device
    view.ring.clear()
    view.windowEndMs = Number.NEGATIVE_INFINITY
    view.passedOver = 0
    return view
  }
}
