import { z } from '@hono/zod-openapi'
import type { Places } from './live/places.ts'

/** Answer of a route that goes on: server-sent events (WHATWG HTML, 9.2). */
export const eventStreamType = 'text/event-stream'
/** No proxy is to gather what goes on. */
export const eventStreamHeaders = { 'x-accel-buffering': 'no' } as const
export const eventStreamSchema = z.custom<ReadableStream<Uint8Array>>().openapi({ type: 'string' })

export interface ServerEvent {
  /** Undefined: `message`, the one that needs no name. */
  readonly name?: string
  readonly id?: string
  /** Sent as JSON. */
  readonly data: unknown
}

export interface LiveSource {
  /** Whose stream it is. */
  readonly owner: string
  /** What has happened since the last call; asked a few times a second. A failure ends the stream. */
  poll(): Promise<readonly ServerEvent[]>
  /** Whether the client may still see it; asked when that may have changed, and now and then. False ends the stream. */
  mayGoOn(): Promise<boolean>
}

export interface LiveConfig {
  readonly pollMs: number
  /** A comment goes out this often, so that nobody in between takes the silence for an end. */
  readonly heartbeatMs: number
}

/** Streams that end only when the client goes away, falls behind, or may not see them any more. */
export interface LiveStreams {
  /** Throws a problem when there are too many, of the owner or in all. */
  open(source: LiveSource): ReadableStream<Uint8Array>
  /** Ends all of them. */
  stop(): void
}

/** A client that is so far behind, beyond what its socket holds, gets no more: its stream ends. */
const backlogBytes = 256 * 1024
const comment = Buffer.from(':\n\n')

export interface LiveDeps {
  readonly places: Places
  /** Another text after every change to who may see what. */
  accessVersion(): Promise<string>
}

export function createLiveStreams(
  { pollMs, heartbeatMs }: LiveConfig,
  { places, accessVersion }: LiveDeps,
): LiveStreams {
  const ends = new Set<() => void>()

  return {
    open({ owner, poll, mayGoOn }) {
      const release = places.take(owner)
      let timer: NodeJS.Timeout | undefined
      let controller: ReadableStreamDefaultController<Uint8Array> | undefined
      let silentMs = 0
      let seenVersion: string | undefined

      function forget(): boolean {
        clearTimeout(timer)
        release()
        return ends.delete(end)
      }

      /** Without an error, which the adapter would print; a socket that takes nothing is cut by the server's timeout. */
      function end(): void {
        if (forget()) controller?.close()
      }

      function send(bytes: Uint8Array): void {
        if (!ends.has(end)) return
        if ((controller?.desiredSize ?? 0) < 0) end()
        else controller?.enqueue(bytes)
      }

      async function turn(): Promise<void> {
        silentMs += pollMs
        const isDue = silentMs >= heartbeatMs
        const events = await poll()
        // What was taken away is away before anything more is told; credentials also end with the clock alone.
        const version = await accessVersion()
        if ((isDue || version !== seenVersion) && !(await mayGoOn())) return end()
        seenVersion = version
        if (events.length > 0) send(Buffer.from(events.map(render).join('')))
        else if (isDue) send(comment)
        if (isDue) silentMs = 0
        if (ends.has(end)) timer = setTimeout(() => turn().catch(end), pollMs)
      }

      ends.add(end)
      return new ReadableStream<Uint8Array>(
        {
          start(given) {
            controller = given
            send(comment)
            turn().catch(end)
          },
          cancel: () => void forget(),
        },
        new ByteLengthQueuingStrategy({ highWaterMark: backlogBytes }),
      )
    },
    stop() {
      for (const end of [...ends]) end()
    },
  }
}

function render({ name, id, data }: ServerEvent): string {
  const head = `${name === undefined ? '' : `event: ${name}\n`}${id === undefined ? '' : `id: ${id}\n`}`
  return `${head}data: ${JSON.stringify(data)}\n\n`
}
