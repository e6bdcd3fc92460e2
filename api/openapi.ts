import { OpenAPIHono, z } from '@hono/zod-openapi'
import { policyText } from './policy-text.ts'
import { problemSchema, problemType } from './problem.ts'
import { type Route, scopesOf } from './route.ts'

type Registry = OpenAPIHono['openAPIRegistry']

const problemTexts: Readonly<Record<number, string>> = {
  400: 'The address, a parameter or the JSON is malformed',
  401: 'No key and no session, or one that is unknown, expired or ended',
  403: 'The caller may not do this, or the request comes from a page elsewhere',
  404: 'There is no such thing, or none that the key may see',
  409: 'Something else stands in the way',
  413: 'The body is too large',
  415: 'The body is not called application/json, or is packed',
  422: 'The body says something that cannot be',
  429: 'Too many requests; `Retry-After` says when the next may come',
  500: 'The platform failed; its log has the cause under the request id',
  503: 'Not now: a part of the platform does not answer or has no room',
}

/** The standard knows scopes only: role and sites go beside it. */
function securityOf(policy: Route['policy']): Record<string, string[]>[] {
  if (policy === 'public') return []
  const session = { session: [] }
  if ('for' in policy) return policy.for === 'person' ? [session] : [{ key: [] }, session]
  return [
    ...scopesOf(policy).map((scope) => ({ key: [scope] })),
    session,
    ...(policy.devices === undefined ? [] : [{ device: [] }]),
  ]
}

const repeatHeaders = z.object({
  'Idempotency-Key': z.string().min(1).max(255).optional().openapi({
    description:
      'A name of your own for this request. Sent again under it within a day, it has no second effect and the same answer',
  }),
})

const knownHeaders = z.object({
  'If-None-Match': z.string().optional().openapi({
    description: 'An `ETag` that came before: while the answer is still the same it is 304, without a body',
  }),
})

/** Whether its answer carries an entity tag. */
function isTagged({ method, responses: { 200: answer } }: Route): boolean {
  return method === 'get' && answer?.schema !== undefined && answer.mediaType === undefined
}

function mayBeRepeated({ method, policy }: Route): boolean {
  return method !== 'get' && policy !== 'public'
}

/** Adds the route to the document, with every problem that it may answer. */
function registerRoute(registry: Registry, route: Route): void {
  const { request, policy } = route
  registry.registerPath({
    method: route.method,
    path: route.path,
    tags: [route.tag],
    operationId: operationId(route),
    summary: route.summary,
    description: [...(route.description ? [route.description] : []), policyText(policy)].join('\n\n'),
    security: securityOf(policy),
    'x-pelbiot-policy': policy,
    request: {
      ...(request?.params && { params: request.params }),
      ...(request?.query && { query: request.query }),
      ...(mayBeRepeated(route) && { headers: repeatHeaders }),
      ...(isTagged(route) && { headers: knownHeaders }),
      ...(request?.body && {
        body: { required: request.bodyOptional !== true, content: { 'application/json': { schema: request.body } } },
      }),
    },
    responses: {
      ...Object.fromEntries(problemStatuses(route).map((status) => [status, problemResponse(status)])),
      ...(isTagged(route) && { 304: { description: 'Still what `If-None-Match` names' } }),
      ...Object.fromEntries(
        Object.entries(route.responses).map(([status, { description, schema, mediaType, streams }]) => {
          const lines = Object.entries(streams ?? {}).map(([type, line]) => [type, { schema: line }] as const)
          const body = schema && { [mediaType ?? 'application/json']: { schema } }
          const content = { ...body, ...Object.fromEntries(lines) }
          return [status, { description, ...((schema || streams) && { content }) }]
        }),
      ),
    },
  })
}

/** The OpenAPI 3.1 document of exactly these routes. Takes some 20 ms, so it is made when first asked for. */
export function describeRoutes(routes: readonly Route[], version: string): object {
  const app = new OpenAPIHono()
  for (const route of routes) registerRoute(app.openAPIRegistry, route)
  app.openAPIRegistry.registerComponent('securitySchemes', 'key', {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key, as `POST /api/v1/keys` answers it',
  })
  app.openAPIRegistry.registerComponent('securitySchemes', 'device', {
    type: 'http',
    scheme: 'bearer',
    description: 'The token of a device, as `POST /api/v1/devices` answers it; good for what says so, and nothing else',
  })
  app.openAPIRegistry.registerComponent('securitySchemes', 'session', {
    type: 'apiKey',
    in: 'cookie',
    name: 'pelbiot.session_token',
    description:
      'Set by `POST /api/v1/auth/sign-in`; over TLS its name begins with `__Host-`. A request that changes something has to ' +
      'come from a page of the platform (`Sec-Fetch-Site`, `Origin`).',
  })
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'PELBIoT',
      version,
      description:
        'Times are RFC 3339 in UTC with milliseconds, ranges include `from` and exclude `to`. Every error is a problem ' +
        'as of RFC 9457. Each operation says who may call it, for people at the end of its description and for ' +
        'programs in `x-pelbiot-policy`: the least role, the scope that a narrowed key needs (in `security` too), and ' +
        'whether a caller that is limited to sites may use it for its own.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    tags: [
      { name: 'Readings', description: 'What devices measured' },
      { name: 'Devices', description: 'What connects by MQTT' },
      { name: 'Rules', description: 'What is watched for, and when it is an alert' },
      { name: 'Alerts', description: 'What the rules have found, and who heard of it' },
      { name: 'Sites', description: 'Places, and the trees of assets within' },
      { name: 'Profiles', description: 'Types of devices and their metrics' },
      { name: 'Sign-in', description: 'How people come in, and what they do about their own accounts' },
      { name: 'People', description: 'Who may come in, and what they may do' },
      { name: 'Keys', description: 'Access for programs' },
      { name: 'Platform', description: 'How the platform itself is doing' },
    ],
  })
}

/** `GET /api/v1/devices/{id}/readings` becomes `get-devices-id-readings`. */
function operationId({ method, path }: Route): string {
  const words = path.replace('/api/v1', '').match(/[A-Za-z0-9]+/g) ?? ['root']
  return [method, ...words].join('-')
}

function problemStatuses(route: Route): number[] {
  const guarded = route.policy !== 'public'
  const { params, body } = route.request ?? {}
  const candidates: readonly (readonly [number, boolean])[] = [
    [400, true],
    [401, guarded],
    [403, guarded || route.method !== 'get'],
    [404, params !== undefined],
    [409, route.method !== 'get'],
    [413, body !== undefined || mayBeRepeated(route)],
    [415, body !== undefined],
    [422, body !== undefined || mayBeRepeated(route)],
    [429, true],
    [500, true],
    [503, true],
  ]
  const usual = candidates.filter(([, applies]) => applies).map(([status]) => status)
  return [...new Set([...usual, ...(route.problems ?? [])])].sort()
}

function problemResponse(status: number) {
  const description = problemTexts[status] ?? 'Problem'
  return { description, content: { [problemType]: { schema: problemSchema, problemType } } }
}
