/** Where one client's events go. */
export interface Outlet {
  readonly stream: ReadableStream<Uint8Array>
  /** The client has not taken what was sent before: whoever sends it more makes it wait in memory. */
  readonly isFull: boolean
  /** Nothing waits for the client. */
  readonly isEmpty: boolean
  readonly waitingBytes: number
  send(bytes: Uint8Array): void
  /** What was sent still goes out, as far as the client takes it. */
  end(): void
}

/** Beside what its socket holds. */
const fullBytes = 64 * 1024

/** `onGone`: the client has gone, and nothing may be sent any more. */
export function createOutlet(onGone: () => void): Outlet {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  const stream = new ReadableStream<Uint8Array>(
    {
      start(given) {
        controller = given
      },
      cancel() {
        controller = undefined
        onGone()
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: fullBytes }),
  )
  const room = () => controller?.desiredSize ?? fullBytes

  return {
    stream,
    get isFull() {
      return room() <= 0
    },
    get isEmpty() {
      return room() >= fullBytes
    },
    get waitingBytes() {
      return fullBytes - room()
    },
    send: (bytes) => controller?.enqueue(bytes),
    end() {
      controller?.close()
      controller = undefined
    },
  }
}
