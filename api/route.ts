import type { z } from '@hono/zod-openapi'
import type { Access, Principal, Role } from '../model/index.ts'
import type { DataKind, SessionRecord } from '../store/state/index.ts'
import type { JsonText } from './json-text.ts'
import type { Repeat } from './repeat.ts'
import { parseRequest, type RawRequest } from './request.ts'
import type { JsonBytes } from './respond.ts'
import type { Scope } from './scopes.ts'
import type { TextStream } from './text-stream.ts'

/** Whoever is signed in, about themselves: a person with a session, or everyone, keys too. Neither role nor scope matters. */
export interface OwnPolicy {
  readonly for: 'person' | 'everyone'
  /** Also for somebody of whom a second factor is demanded and who has not enabled one yet. */
  readonly withoutSecondFactor?: true
}

/**
 * Who may call a route: the least role, and the scope that a narrowed key needs. `sites` says what a principal that is
 * limited to sites may do with it: `own` shows it only what belongs to them, the rest is as if it did not exist; `every`
 * closes the route to it, because what the route touches belongs to no site or to all of them.
 */
export interface Policy {
  readonly role: Role
  /** Of several, one is enough: the route looks for itself what each opens. */
  readonly scope: Scope | readonly [Scope, ...Scope[]]
  readonly sites: 'own' | 'every'
  /** A device may call it too, with its token, for itself and for the devices whose gateway it is. */
  readonly devices?: 'own'
}

/** The scopes of a policy, of which a narrowed key needs one. */
export function scopesOf({ scope }: Policy): readonly Scope[] {
  return typeof scope === 'string' ? [scope] : scope
}

/** One answer that a route may give. Without a schema it has no body; JSON unless a media type is named. */
export interface ResponseSpec {
  readonly description: string
  readonly schema?: z.ZodType
  readonly mediaType?: string
  /** What it may be as well, line by line: media types, each with what a line is. */
  readonly streams?: Readonly<Record<string, z.ZodType>>
}
export type ResponseSpecs = Readonly<Record<number, ResponseSpec>>

/** Whether an answer, or the greater part of what it took, was kept from before: `X-Cache`, and counted. */
export type CacheResult = 'hit' | 'miss'

/** The answers that a handler may return: a status the route declares, with the body or a stream that it describes. */
export type Answer<Specs extends ResponseSpecs> = {
  [Status in keyof Specs & number]: {
    readonly status: Status
    readonly headers?: Readonly<Record<string, string>>
    /** Values of Set-Cookie. */
    readonly cookies?: readonly string[]
    readonly cache?: CacheResult
  } & (BodyAnswer<Specs[Status]> | StreamAnswer<Specs[Status]>)
}[keyof Specs & number]

type BodyAnswer<Spec extends ResponseSpec> = { readonly stream?: never } & (Spec extends {
  readonly schema: infer Schema extends z.ZodType
}
  ? { readonly body: z.input<Schema> | JsonText<z.input<Schema>> }
  : { readonly body?: never })

type StreamAnswer<Spec extends ResponseSpec> = Spec extends { readonly streams: infer Streams }
  ? { readonly stream: TextStream & { readonly mediaType: keyof Streams & string }; readonly body?: never }
  : never

export interface RequestContext {
  readonly requestId: string
  /** The client's, as trusted proxies tell it, else its socket's; null where there is none. */
  readonly address: string | null
  /** Whether the client speaks TLS, as far as can be known: so it is when people are told of an https address. */
  readonly secure: boolean
  /** The header, whole; null: there is none. */
  readonly cookie: string | null
  /** Its first 300 characters; null: the client does not say. */
  readonly userAgent: string | null
  /** Closes the client's connection, whatever still waits for it; for answers that go on. */
  readonly cut?: () => void
}

export interface PrincipalContext extends RequestContext {
  readonly principal: Principal
  /** What its credential is narrowed to; empty: not narrowed. */
  readonly scopes: readonly string[]
  /** Where a person is signed in; null: it is a key. */
  readonly session: SessionRecord | null
  /** Whether they have to enable a second factor before anything else. */
  readonly needsSecondFactor: boolean
  /** Looks at its credential, the policy and its sites again, which are to be as they were; for answers that go on. */
  stillAllowed(): Promise<boolean>
  /** Of a request with an `Idempotency-Key`. */
  readonly repeat?: Repeat
}

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'

interface RouteFace<
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType,
  Responses extends ResponseSpecs,
> {
  readonly method: Method
  /** OpenAPI's form: `/api/v1/devices/{id}`. */
  readonly path: `/${string}`
  readonly tag: string
  readonly summary: string
  readonly description?: string
  /** For a public route by which somebody could be guessed: its calls have the tighter limit. */
  readonly limit?: 'sign-in'
  readonly request?: {
    readonly params?: Params
    readonly query?: Query
    readonly body?: Body
    /** No body at all is the same as `{}`. */
    readonly bodyOptional?: boolean
    /** The schema gets the bytes of the JSON as they came, and only describes what they are to be. */
    readonly bodyAs?: 'bytes'
  }
  readonly responses: Responses
  /** Statuses of problems that it answers beside those that its shape tells (openapi.ts). */
  readonly problems?: readonly number[]
}

interface RouteInput<Params extends z.ZodObject, Query extends z.ZodObject, Body extends z.ZodType> {
  readonly params: z.output<Params>
  readonly query: z.output<Query>
  readonly body: z.output<Body>
  /** The header of that name. */
  readonly accept: string | undefined
  readonly lastEventId: string | undefined
}

export interface RawAnswer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly cookies?: readonly string[]
  readonly cache?: CacheResult
  readonly body?: unknown
  /** In the place of `body`: what it was made into before. */
  readonly json?: JsonBytes
  readonly stream?: TextStream
}

/** What its answers are made of. They are kept until that changes, and shared by all who may see the same. */
export interface CacheSpec {
  readonly of: readonly [DataKind, ...DataKind[]]
}

/** What an answer may depend on that is kept for others too: not on who asks. */
export interface AccessContext {
  readonly principal: Access
}

/** Of a route whose answers are kept. */
export interface CachedRun {
  readonly of: CacheSpec['of']
  runFor(request: RawRequest, context: AccessContext): Promise<RawAnswer>
}

/** A route as the app mounts and documents it, its types forgotten. */
export type Route = RouteFace<z.ZodObject, z.ZodObject, z.ZodType, ResponseSpecs> &
  (
    | {
        readonly policy: Policy | OwnPolicy
        readonly cached?: CachedRun
        run(request: RawRequest, context: PrincipalContext): Promise<RawAnswer>
      }
    | { readonly policy: 'public'; run(request: RawRequest, context: RequestContext): Promise<RawAnswer> }
  )

/** A route behind a policy. The principal has been checked against it before `handler` runs. */
export function defineRoute<
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType,
  const Responses extends ResponseSpecs,
>(
  route: RouteFace<Params, Query, Body, Responses> & {
    readonly policy: Policy | OwnPolicy
    handler(input: RouteInput<Params, Query, Body>, context: PrincipalContext): Promise<Answer<NoInfer<Responses>>>
  },
): Route {
  const { handler, ...face } = route
  return {
    ...face,
    run: async (request: RawRequest, context: PrincipalContext) =>
      handler(await parseRequest(request, face.request ?? {}), context),
  }
}

/**
 * A route behind a policy whose answers are kept. They may be made of nothing but the state, of the kinds that `cache` names, and
 * with the clock change no faster than those are forgotten.
 */
export function defineCachedRoute<
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  const Responses extends ResponseSpecs,
>(
  route: RouteFace<Params, Query, z.ZodUndefined, Responses> & {
    readonly method: 'get'
    readonly policy: Policy
    readonly cache: CacheSpec
    handler(
      input: RouteInput<Params, Query, z.ZodUndefined>,
      context: AccessContext,
    ): Promise<Answer<NoInfer<Responses>>>
  },
): Route {
  const { handler, cache, ...face } = route
  const runFor = async (request: RawRequest, context: AccessContext) =>
    handler(await parseRequest(request, face.request ?? {}), context)
  return { ...face, cached: { of: cache.of, runFor }, run: runFor }
}

/** A route that anybody may call. */
export function definePublicRoute<
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType,
  const Responses extends ResponseSpecs,
>(
  route: RouteFace<Params, Query, Body, Responses> & {
    handler(input: RouteInput<Params, Query, Body>, context: RequestContext): Promise<Answer<NoInfer<Responses>>>
  },
): Route {
  const { handler, ...face } = route
  return {
    ...face,
    policy: 'public',
    run: async (request: RawRequest, context: RequestContext) =>
      handler(await parseRequest(request, face.request ?? {}), context),
  }
}

/** A route that is anybody's or not, as the settings say. */
export function defineOpenRoute<
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType,
  const Responses extends ResponseSpecs,
>(
  policy: Policy | OwnPolicy | 'public',
  route: RouteFace<Params, Query, Body, Responses> & {
    handler(input: RouteInput<Params, Query, Body>, context: RequestContext): Promise<Answer<NoInfer<Responses>>>
  },
): Route {
  return policy === 'public' ? definePublicRoute(route) : defineRoute({ ...route, policy })
}
