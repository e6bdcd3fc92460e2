import { entityTagOf, namesTag } from './entity-tag.ts'
import { type RawAnswer, type Route, scopesOf } from './route.ts'
import type { Scope } from './scopes.ts'

/** JSON as it is sent, with its entity tag. */
export interface JsonBytes {
  readonly bytes: Uint8Array
  readonly tag: string
}

export function jsonBytes(body: unknown): JsonBytes {
  const bytes = Buffer.from(JSON.stringify(body))
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

/** The answer as HTTP has it. `ifNoneMatch` is the header: what the client has of it already. */
export function toResponse(route: Route, answer: RawAnswer, ifNoneMatch: string | undefined): Response {
  const { status, headers: given, cookies = [], body, json } = answer
  const headers = new Headers(given)
  for (const cookie of cookies) headers.append('set-cookie', cookie)
  if (body === undefined && json === undefined) return new Response(null, { status, headers })
  const { mediaType, streams } = route.responses[status] ?? {}
  if (mediaType !== undefined) {
    if (!headers.has('content-type')) headers.set('content-type', mediaType)
    if (body instanceof ReadableStream) return new Response(body, { status, headers })
    return new Response(body instanceof Uint8Array ? Buffer.from(body) : String(body), { status, headers })
  }
  if (route.method !== 'get' || status !== 200) return Response.json(body, { status, headers })
  const { bytes, tag } = json ?? jsonBytes(body)
  headers.set('etag', tag)
  if (mayBrowserKeep(route)) headers.set('cache-control', 'private, no-cache')
  if (streams !== undefined) headers.set('vary', 'Accept')
  if (ifNoneMatch !== undefined && namesTag(ifNoneMatch, tag)) return new Response(null, { status: 304, headers })
  headers.set('content-type', 'application/json')
  return new Response(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), { status, headers })
}
