import { hash } from 'node:crypto'
import type { Access } from '../model/index.ts'
import { type Cache, createSingleFlight } from '../store/cache/index.ts'
import type { DataKind, DataVersions } from '../store/state/index.ts'
import type { RawRequest } from './request.ts'
import { type JsonBytes, jsonBytes } from './respond.ts'
import type { CachedRun, PrincipalContext, RawAnswer } from './route.ts'

export interface CachedAnswersDeps {
  readonly cache: Cache
  readonly versions: Pick<DataVersions, 'read'>
}

/** A request to a route whose answers are kept. */
export interface CachedCall {
  readonly path: string
  readonly cached: CachedRun
  readonly request: RawRequest
  readonly asker: Pick<PrincipalContext, 'principal' | 'scopes'>
}

/** The answer that is kept, or a new one, which is then. */
export type AnswerCached = (call: CachedCall) => Promise<RawAnswer>

/** Versions tell of every write; these are for what changes with the clock alone, and for who writes into the database by hand. */
const maxAgeMs: Readonly<Record<DataKind, number>> = {
  inventory: 600_000,
  series: 600_000,
  alerts: 600_000,
  service: 5_000,
  access: 5_000,
}

/**
 * A key is made of all that an answer may depend on: the versions of the data, read before it is loaded, the address, and what its asker
 * may see. Who that is a cached route is not told, so all who may see the same can share an answer. Those who ask for
 * one that is not kept load it once; only a whole, good answer is kept.
 */
export function createCachedAnswers({ cache, versions }: CachedAnswersDeps): AnswerCached {
  const once = createSingleFlight<RawAnswer>()

  return async (call) => {
    const { of, runFor } = call.cached
    const key = `answer:${await versions.read(of)}:${digestOf(call)}`
    const kept = await cache.get(key)
    const json = kept && unpack(kept)
    if (json !== undefined) return { status: 200, json, cache: 'hit' }
    const loaded = await once(key, async () => {
      const answer = await runFor(call.request, { principal: accessOf(call) })
      if (!isPlain(answer)) return answer
      const fresh = jsonBytes(answer.body)
      cache.set(key, pack(fresh), Math.min(...of.map((kind) => maxAgeMs[kind])))
      return { status: 200, json: fresh }
    })
    return { ...loaded, cache: 'miss' }
  }
}

function accessOf({ asker }: CachedCall): Access {
  const { role, sites } = asker.principal
  return { role, sites }
}

function digestOf({ path, request: { params, query, accept }, asker: { principal, scopes } }: CachedCall): string {
  const { role, sites } = principal
  const asked = [path, Object.entries(params).sort(), [...query].sort(), accept ?? null]
  const access = [role, sites === 'all' ? sites : [...sites].sort(), [...scopes].sort()]
  return hash('sha256', JSON.stringify([asked, access]), 'base64url')
}

/** 200 with JSON and nothing beside. */
function isPlain({ status, headers, cookies, body, stream }: RawAnswer): boolean {
  return status === 200 && headers === undefined && cookies === undefined && stream === undefined && body !== undefined
}

const tagBytes = 24

/** The entity tag, then the body. */
function pack({ bytes, tag }: JsonBytes): Uint8Array {
  // A memory of its own: a slice of a shared one would keep all of that.
  const packed = Buffer.allocUnsafeSlow(tagBytes + bytes.byteLength)
  packed.write(tag, 'latin1')
  packed.set(bytes, tagBytes)
  return packed
}

function unpack(packed: Uint8Array): JsonBytes | undefined {
  const tag = Buffer.from(packed.buffer, packed.byteOffset, Math.min(tagBytes, packed.byteLength)).toString('latin1')
  return /^"[\w-]{22}"$/.test(tag) ? { bytes: packed.subarray(tagBytes), tag } : undefined
}
