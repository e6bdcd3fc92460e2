import { z } from 'zod'

export interface PlatformAccess {
  /** For instance `http://127.0.0.1:8080`. */
  readonly httpUrl: string
  /** An admin's API key. */
  readonly key: string
}

export interface Answer {
  readonly status: number
  readonly body: unknown
}

/** The platform's HTTP API, as far as any program outside sees it. */
export interface PlatformApi {
  /** Whatever the answer is. Rejects when none comes. */
  ask(method: string, path: string, body?: unknown): Promise<Answer>
  /** Rejects when it is not a success. */
  read<T>(schema: z.ZodType<T>, path: string): Promise<T>
  /** All pages of a list. */
  list<T>(schema: z.ZodType<T>, path: string, query?: Readonly<Record<string, string>>): AsyncIterable<T>
}

const timeoutMs = 30_000
const pageSize = 10_000

export function createPlatformApi({ httpUrl, key }: PlatformAccess): PlatformApi {
  async function ask(method: string, path: string, body?: unknown): Promise<Answer> {
    const url = new URL(path, httpUrl)
    try {
      const response = await fetch(url, {
        method,
        headers: {
          authorization: `Bearer ${key}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(timeoutMs),
      })
      const text = await response.text()
      return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
    } catch (error) {
      const why = error instanceof Error && error.cause instanceof Error ? error.cause : error
      throw new Error(`reach ${url} failed: ${why instanceof Error ? why.message : String(why)}`, { cause: error })
    }
  }

  async function read<T>(schema: z.ZodType<T>, path: string): Promise<T> {
    // Once more: a program that was busy with itself may not know yet that the connection it kept was closed meanwhile.
    const answer = await ask('GET', path).catch(() => ask('GET', path))
    if (answer.status !== 200) throw refused(`read ${path}`, answer)
    return schema.parse(answer.body)
  }

  return {
    ask,
    read,
    async *list(schema, path, query = {}) {
      const pageSchema = z.object({ items: z.array(schema), nextCursor: z.string().nullish() })
      let cursor: string | null | undefined
      do {
        const parameters = new URLSearchParams({ ...query, limit: String(pageSize), ...(cursor ? { cursor } : {}) })
        const page = await read(pageSchema, `${path}?${parameters}`)
        yield* page.items
        cursor = page.nextCursor
      } while (cursor)
    },
  }
}

/** What was tried, and what the platform said to it. */
export function refused(attempt: string, { status, body }: Answer): Error {
  return new Error(`${attempt} failed: ${status} ${JSON.stringify(body)?.slice(0, 300)}`)
}
