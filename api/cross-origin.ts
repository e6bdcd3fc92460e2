import type { MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'

/** What a page elsewhere may send, and what it may read of an answer, beside what browsers always allow. */
const requestHeaders = [
  'authorization',
  'content-type',
  'idempotency-key',
  'if-none-match',
  'last-event-id',
  'x-request-id',
]
const answerHeaders = [
  'etag',
  'idempotency-replayed',
  'location',
  'ratelimit-limit',
  'ratelimit-remaining',
  'ratelimit-reset',
  'retry-after',
  'x-cache',
  'x-request-id',
]
const preflightAgeS = 600

/** An origin as a browser sends it: scheme, host and a port that is not the scheme's own. */
export function isOrigin(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text) && new URL(text).origin === text
}

/**
 * Lets pages of the listed origins use the API, with cookies if they like; to those of any other, an answer is what it
 * would be without this. `methodsOf` gives the methods of a path.
 */
export function createCrossOrigin(
  origins: readonly string[],
  methodsOf: (path: string) => readonly string[],
): MiddlewareHandler {
  const listed = new Set(origins)
  const allow = cors({
    origin: (origin) => origin,
    credentials: true,
    allowMethods: (_, c) => [...methodsOf(c.req.path)],
    allowHeaders: requestHeaders,
    exposeHeaders: answerHeaders,
    maxAge: preflightAgeS,
  })
  return async (c, next) => {
    const origin = c.req.header('origin')
    if (origin !== undefined && listed.has(origin)) return allow(c, next)
    await next()
    // A cache in between must not show one origin what was meant for another.
    if (listed.size > 0) c.header('vary', 'Origin', { append: true })
  }
}
