import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import { type Context, Hono } from 'hono'
import type { Logger } from 'pino'
import type { SiteScope } from '../model/index.ts'
import { createPageOrigin, type PageOrigin } from './auth/origin.ts'
import { type Authenticate, type Authenticated, authorise } from './authenticate.ts'
import { readBody } from './body.ts'
import type { AnswerCached } from './cached-answers.ts'
import { type Client, createClientOf } from './client-address.ts'
import type { ApiConfig } from './config.ts'
import { createCrossOrigin } from './cross-origin.ts'
import { createDeadline } from './deadline.ts'
import type { HttpMetrics } from './http-metrics.ts'
import { createMethodTable } from './method-table.ts'
import { HttpProblem, problemType, toProblem } from './problem.ts'
import type { Quota } from './quota.ts'
import type { RefusedRequests } from './refused-requests.ts'
import type { Repeats } from './repeats.ts'
import type { RawRequest } from './request.ts'
import { type Reply, replyOf } from './respond.ts'
import type { CacheResult, RawAnswer, RequestContext, Route } from './route.ts'
import { withSecurityHeaders } from './security-headers.ts'
import { openByteStream } from './text-stream.ts'

export type AppConfig = Pick<
  ApiConfig,
  'maxBodyBytes' | 'answerTimeoutMs' | 'trustedProxies' | 'forwardedHeader' | 'corsOrigins' | 'publicUrl'
>

export interface AppDeps {
  readonly authenticate: Authenticate
  readonly logger: Logger
  readonly metrics: Pick<HttpMetrics, 'begin' | 'cacheAsked'>
  quotaOf(client: Client): Quota
  readonly answerCached: AnswerCached
  readonly refused: Pick<RefusedRequests, 'note'>
  readonly repeats: Repeats
}

/** What `@hono/node-server` puts into `env`; nothing of it when the app is called directly. */
interface Env {
  Bindings: { readonly incoming?: Pick<IncomingMessage, 'socket' | 'rawHeaders' | 'url'> }
  Variables: { requestId: string; route: string; client: Client; quota: Quota; principal?: string }
}

export type App = Hono<Env>

/** What a request brings beside what its route reads. */
interface Asked {
  readonly context: RequestContext
  readonly page: PageOrigin
  readonly quota: Quota
  readonly authorization: string | undefined
  /** Called when it is known who asks. */
  identified(who: Pick<Authenticated, 'principal'>): void
  readonly idempotencyKey: string | undefined
}

const requestIdPattern = /^[A-Za-z0-9_.:-]{1,64}$/
/** RFC 9110, section 4.1 asks for 8,000 at least. */
const maxUrlLength = 8_192
const maxHeaders = 100
const maxUserAgent = 300
/** Of a request that anybody may make: to read the largest body of a kind costs some 100 ms. */
const publicBodyBytes = 16 * 1024
/** Who is nobody, who may not, and who asks too much. */
const refusals: ReadonlySet<number> = new Set([401, 403, 429])
/** A segment of dots, or a fragment: what a proxy in front took for another path than the one that it resolves to. */
const treacherous = /^[^?]*[/\\](?:\.|%2e){1,2}(?:[/\\?]|$)|#/i

/** Mounts the routes; around them: request ids, metrics, security headers, and a problem for whatever goes wrong. */
export function createApp(routes: readonly Route[], config: AppConfig, deps: AppDeps): App {
  const app = new Hono<Env>()
  const methodTable = createMethodTable(routes)
  const clientOf = createClientOf(config.trustedProxies, config.forwardedHeader)
  const ownOrigins = config.publicUrl === undefined ? [] : [new URL(config.publicUrl).origin]
  const isPublicSecure = config.publicUrl?.startsWith('https:') === true
  const pageOriginOf = createPageOrigin([...ownOrigins, ...config.corsOrigins])

  app.use(async (c, next) => {
    const given = c.req.header('x-request-id')
    c.set('requestId', given !== undefined && requestIdPattern.test(given) ? given : crypto.randomUUID())
    c.set('route', 'none')
    const socket = c.env?.incoming?.socket
    const peer = { address: socket?.remoteAddress, secure: socket instanceof TLSSocket }
    const client = clientOf(peer, (name) => c.req.header(name))
    c.set('client', client)
    c.set('quota', deps.quotaOf(client))
    const observe = deps.metrics.begin(c.req.method)
    await next()
    observe(c.get('route'), c.res.status)
  })

  app.use(createCrossOrigin(config.corsOrigins, methodTable))

  app.use(async (c, next) => {
    const incoming = c.env?.incoming
    if (c.req.url.length > maxUrlLength)
      throw new HttpProblem('uri_too_long', `the address is longer than ${maxUrlLength} characters`)
    if ((incoming?.rawHeaders.length ?? 0) > maxHeaders * 2)
      throw new HttpProblem('headers_too_large', `there are more than ${maxHeaders} headers`)
    if (treacherous.test(incoming?.url ?? ''))
      throw new HttpProblem('malformed_request', 'the address has a segment of dots, or a fragment')
    await next()
  })

  for (const route of routes) {
    app.on(route.method, route.path.replaceAll(/\{(\w+)\}/g, ':$1'), async (c) => {
      c.set('route', route.path)
      const header = (name: string) => c.req.header(name)
      const client = c.get('client')
      const context: RequestContext = {
        requestId: c.get('requestId'),
        address: client.address,
        secure: client.secure || isPublicSecure,
        cookie: header('cookie') ?? null,
        userAgent: header('user-agent')?.slice(0, maxUserAgent) ?? null,
        cut: () => void c.env?.incoming?.socket.destroy(),
      }
      const { maxBodyBytes: most } = config
      const maxBodyBytes = route.policy === 'public' ? Math.min(publicBodyBytes, most) : most
      const deadline = createDeadline(`${c.req.method} ${route.path}`, config.answerTimeoutMs)
      const request = {
        params: c.req.param(),
        query: new URL(c.req.url).searchParams,
        contentType: c.req.header('content-type'),
        contentEncoding: c.req.header('content-encoding'),
        accept: c.req.header('accept'),
        lastEventId: c.req.header('last-event-id'),
        // The server has a deadline of its own for what is to arrive: 408.
        readBody: () => deadline.pausedFor(() => readBody(c.req.raw, maxBodyBytes)),
      }
      const page = pageOriginOf({
        origin: header('origin'),
        fetchSite: header('sec-fetch-site'),
        host: header('host'),
      })
      const running = answer(route, request, {
        context,
        page,
        quota: c.get('quota'),
        authorization: header('authorization'),
        identified: ({ principal }) => c.set('principal', `${principal.kind}:${principal.id}`),
        idempotencyKey: header('idempotency-key'),
      })
      const answered = withCacheResult(await deadline.limit(running), (result) =>
        deps.metrics.cacheAsked(route.path, result),
      )
      if (answered.stream === undefined) {
        const reply = replyOf(route, answered, header('if-none-match'))
        // What goes on would go on to nobody.
        if (c.req.method === 'HEAD' && reply.body instanceof ReadableStream) await reply.body.cancel()
        return send(c, reply)
      }
      const stream = await openByteStream(answered.stream, (err) => {
        // A client that does not read is no failure of ours.
        const level = toProblem(err).status >= 500 ? 'error' : 'info'
        deps.logger[level]({ err, requestId: context.requestId, route: route.path }, 'answer cut off')
        c.env?.incoming?.socket.destroy()
      })
      const isHead = c.req.method === 'HEAD'
      if (isHead) await stream.cancel()
      const headers = { 'content-type': answered.stream.mediaType, vary: 'Accept', ...answered.headers }
      return send(c, { status: answered.status, headers, cookies: [], body: isHead ? null : stream })
    })
  }

  async function answer(route: Route, request: RawRequest, asked: Asked): Promise<RawAnswer> {
    const { context, page, quota, authorization, idempotencyKey } = asked
    const unsafe = route.method !== 'get'
    if (route.policy === 'public') {
      await quota.takeOfAddress(route.limit ?? 'address')
      // Nobody is to be signed in, or asked to prove anything, by a page elsewhere.
      if (unsafe && page === 'foreign') throw new HttpProblem('forbidden', 'this request comes from a page elsewhere')
      return route.run(request, context)
    }
    const devices = 'devices' in route.policy
    const asking = { ...context, authorization, unsafe, page, devices }
    const { cookies, ...who } = await deps.authenticate(asking).catch(async (error: unknown) => {
      await quota.takeOfAddress('address')
      throw error
    })
    asked.identified(who)
    await quota.takeOfPrincipal(who.principal)
    const { policy } = route
    authorise(who, policy)
    const again = async (): Promise<boolean> => {
      const now = await deps.authenticate({ ...asking, again: true })
      authorise(now, policy)
      return sameSites(now.principal.sites, who.principal.sites)
    }
    const stillAllowed = () => again().catch(() => false)
    const whole = { ...context, ...who, stillAllowed }
    const given = await (unsafe && idempotencyKey !== undefined
      ? deps.repeats.run({ route, request, context: whole, key: idempotencyKey })
      : route.cached === undefined
        ? route.run(request, whole)
        : deps.answerCached({ path: route.path, cached: route.cached, request, asker: who }))
    return cookies.length === 0 ? given : { ...given, cookies: [...cookies, ...(given.cookies ?? [])] }
  }

  // Not thrown: what is thrown here would pass by the middleware above.
  app.notFound(async (c) => {
    try {
      await c.get('quota').takeOfAddress('address')
    } catch (error) {
      return sendProblem(c, toProblem(error))
    }
    const { path } = c.req
    const allow = methodTable(path)
    const problem =
      allow.length === 0
        ? new HttpProblem('not_found', `there is nothing at ${path}`)
        : new HttpProblem('method_not_allowed', `${c.req.method} is not for ${path}`, {
            headers: { allow: allow.join(', ') },
          })
    return sendProblem(c, problem)
  })

  app.onError((error, c) => {
    const problem = toProblem(error)
    const requestId = c.get('requestId')
    if (refusals.has(problem.status)) {
      const { code } = problem
      const { address } = c.get('client')
      const asked = { method: c.req.method, route: c.get('route'), requestId }
      deps.refused.note({ code, ...asked, address, principal: c.get('principal') })
    }
    // What passes by itself is counted in the metrics, and logged by the part that has the trouble.
    if (problem.status >= 500)
      deps.logger[problem.status === 500 ? 'error' : 'debug'](
        { err: error, requestId, method: c.req.method, route: c.get('route') },
        'request failed',
      )
    return sendProblem(c, problem)
  })

  return app
}

function sameSites(one: SiteScope, other: SiteScope): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

/** With the whole head at once: to change it afterwards makes of a Response what costs as much as all the rest. */
function send(c: Context<Env>, { status, headers: own, cookies, body }: Reply): Response {
  // A limit of its own, which a route has told of, is the nearer one.
  const told = { ...c.get('quota').headers(), ...own, 'x-request-id': c.get('requestId') }
  const head = withSecurityHeaders(told, c.get('client'))
  if (cookies.length === 0) return new Response(body, { status, headers: head })
  const all = [...Object.entries(head), ...cookies.map((cookie): [string, string] => ['set-cookie', cookie])]
  return new Response(body, { status, headers: all })
}

function sendProblem(c: Context<Env>, problem: HttpProblem): Response {
  const { status } = problem
  const headers = { ...problem.headers, 'content-type': problemType }
  return send(c, { status, headers, cookies: [], body: JSON.stringify(problem.body(c.get('requestId'))) })
}

/** Says in a header, and to `count`, whether the answer was kept from before, where that could be. */
function withCacheResult(answered: RawAnswer, count: (result: CacheResult) => void): RawAnswer {
  const { cache } = answered
  if (cache === undefined) return answered
  count(cache)
  return { ...answered, headers: { ...answered.headers, 'x-cache': cache } }
}
