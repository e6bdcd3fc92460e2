import { parseAccept } from 'hono/utils/accept'

export const csvType = 'text/csv; charset=utf-8' as const
export const linesType = 'application/x-ndjson' as const

/** An answer that is too long to hold, or whose end is yet to come. */
export interface TextStream {
  readonly mediaType: string
  /**
   * Asked for as fast as the client reads. The first one comes before the head of the answer, so that what fails by then is a
   * problem like any other; when a later one fails, the connection is cut, so that nobody takes what came for the whole.
   */
  readonly chunks: AsyncIterable<string>
}

/** The media type among `offered` that an Accept header prefers; the first one where it names none of them. */
export function preferred<Type extends string>(accept: string | undefined, offered: readonly [Type, ...Type[]]): Type {
  const wanted = parseAccept(accept ?? '')
    .filter(({ q }) => q > 0)
    .toSorted((a, b) => b.q - a.q)
  for (const { type } of wanted) {
    const prefix = type.toLowerCase().replace(/\*.*$/, '')
    const found = offered.find((one) => (prefix.length < type.length ? one.startsWith(prefix) : bare(one) === prefix))
    if (found !== undefined) return found
  }
  return offered[0]
}

function bare(mediaType: string): string | undefined {
  return mediaType.split(';')[0]
}

/** One JSON text a line, as of ndjson.org; a line is a chunk. */
export async function* jsonLines(values: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const value of values) yield `${JSON.stringify(value)}\n`
}

/** The chunks in UTF-8, once the first is there; `cut` is called with what a later one failed with. */
export async function openByteStream(
  { chunks }: TextStream,
  cut: (error: unknown) => void,
): Promise<ReadableStream<Uint8Array>> {
  const iterator = chunks[Symbol.asyncIterator]()
  const encoder = new TextEncoder()
  let first: IteratorResult<string> | undefined = await iterator.next()
  let left = false
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const step = first ?? (await iterator.next())
          first = undefined
          if (left) return
          if (step.done === true) controller.close()
          else controller.enqueue(encoder.encode(step.value))
        } catch (error) {
          if (left) return
          cut(error)
          controller.close()
        }
      },
      // Whether or not it was ever read: what the chunks are made from is let go.
      async cancel() {
        left = true
        await iterator.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}
