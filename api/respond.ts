import { entityTagOf, namesTag } from './entity-tag.ts'
import { JsonText } from './json-text.ts'
import { type RawAnswer, type Route, scopesOf } from './route.ts'
import type { Scope } from './scopes.ts'
import type { Head } from './security-headers.ts'

const jsonType = 'application/json'

/** JSON as it is sent, with its entity tag. */
export interface JsonBytes {
  readonly bytes: Uint8Array
  readonly tag: string
}

export function jsonBytes(body: unknown): JsonBytes {
  const bytes = Buffer.from(body instanceof JsonText ? body.text : JSON.stringify(body))
  return { bytes, tag: entityTagOf(bytes) }
}

/**
 * What a browser may keep, if it asks each time whether it is still so. The rest tells of people and their accounts, of secrets, or of
 * who did what, and stays `no-store` like everything that does not say otherwise.
 */
const keptByBrowsers: ReadonlySet<Scope> = new Set([
  'sites:read',
  'devices:read',
  'profiles:read',
  'readings:read',
  'rules:read',
  'alerts:read',
  'platform:read',
])

function mayBrowserKeep({ policy }: Route): boolean {
  return (
    typeof policy === 'object' &&
    'scope' in policy &&
    policy.role !== 'admin' &&
    scopesOf(policy).every((scope) => keptByBrowsers.has(scope))
  )
}

/** An answer as HTTP has it, but for what every answer has in its head. */
export interface Reply {
  readonly status: number
  readonly headers: Head
  /** Values of Set-Cookie. */
  readonly cookies: readonly string[]
  readonly body: string | Uint8Array | ReadableStream<Uint8Array> | null
}

/** `ifNoneMatch` is the header: what the client has of it already. */
export function replyOf(route: Route, answer: RawAnswer, ifNoneMatch: string | undefined): Reply {
  const { status, headers = {}, cookies = [], body, json } = answer
  if (body === undefined && json === undefined) return { status, headers, cookies, body: null }
  const { mediaType, streams } = route.responses[status] ?? {}
  if (mediaType !== undefined) {
    const own = { 'content-type': mediaType, ...headers }
    if (body instanceof ReadableStream) return { status, headers: own, cookies, body }
    return { status, headers: own, cookies, body: body instanceof Uint8Array ? Buffer.from(body) : String(body) }
  }
  const type = { 'content-type': jsonType }
  if (route.method !== 'get' || status !== 200)
    return { status, headers: { ...headers, ...type }, cookies, body: JSON.stringify(body) }
  const { bytes, tag } = json ?? jsonBytes(body)
  const known = {
    ...headers,
    etag: tag,
    ...(mayBrowserKeep(route) && { 'cache-control': 'private, no-cache' }),
    ...(streams !== undefined && { vary: 'Accept' }),
  }
  if (ifNoneMatch !== undefined && namesTag(ifNoneMatch, tag))
    return { status: 304, headers: known, cookies, body: null }
  return { status, headers: { ...known, ...type }, cookies, body: bytes }
}
