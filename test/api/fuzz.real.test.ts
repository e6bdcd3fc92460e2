import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseDeviceId } from '../../model/index.ts'
import { platformActor } from '../../store/state/index.ts'
import { type Caller, createCallers } from './access/callers.ts'
import { createWorld, type Ids, nowhere, type Place, places, secretOf, siteOf, type World } from './access/world.ts'
import { contractFaults, findOperation } from './contract.ts'
import { bodyOf, contentTypes, oddHeaders, pathTricks, queryOf, word } from './fuzz/arbitraries.ts'
import { createSender, type RawRequest, type Sender } from './fuzz/send.ts'
import { type Harness, startApi } from './harness.ts'

/** `FUZZ_S=600 FUZZ_SEED=7 npm test -- test/api/fuzz.real.test.ts` runs longer, and the same again. */
const seconds = Number(process.env['FUZZ_S'] ?? 20)
const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_127)

let api: Harness
let world: World
let callers: Caller[]
let sender: Sender
const things = new Map<Place, Ids>()
beforeAll(async () => {
  api = await startApi({ peerTimeoutMs: 10, publicUrl: 'http://pelbiot.example.com', trustedProxies: '127.0.0.1' })
  world = await createWorld(api)
  callers = await createCallers(api)
  sender = createSender(api.url)
  for (const place of places) things.set(place, await world.furnishWhole(place))
  const own = parseDeviceId(idsOf('here').device)
  const { token } = await api.state.change(platformActor, (unit) => unit.credentials.issueDeviceToken(own))
  callers.push({ name: 'a device of here', key: token, isDevice: true })
})
afterAll(async () => {
  sender[Symbol.dispose]()
  await api.stop()
})

interface Attempt {
  readonly caller: Caller
  readonly operation: string
  readonly request: RawRequest
  /** What went out as JSON, when nothing else was odd about it. */
  readonly sent: unknown
}

const nounOfSegment: Readonly<Record<string, keyof Ids>> = {
  devices: 'device',
  sites: 'site',
  assets: 'asset',
  rules: 'rule',
  alerts: 'alert',
  notifications: 'notification',
  profiles: 'profile',
  keys: 'key',
  people: 'person',
  tokens: 'token',
  connections: 'connection',
}

/** The sites of which a caller may read. */
const seen = ({ sites }: Caller): readonly Place[] =>
  places.filter((place) => sites === 'all' || sites?.includes(siteOf(place)) === true)

function idsOf(place: Place): Ids {
  return things.get(place) ?? nowhere
}

/**
 * Who sees both sites names things of one at a time: else they would rightly carry what is of one into the other, and nobody
 * could tell that from a leak.
 */
function namedBy(caller: Caller): fc.Arbitrary<readonly Ids[]> {
  const one = (place: Place) => [idsOf(place), idsOf(place), nowhere]
  if (seen(caller).length === places.length) return fc.constantFrom(...places.map(one))
  return fc.constant([...places.map(idsOf), nowhere])
}

function attempts(): fc.Arbitrary<Attempt> {
  const operations = Object.entries(api.document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )
  const keyed = callers.filter(({ cookie }) => cookie === undefined)
  return fc.constantFrom(...operations).chain(({ path, method, operation }) =>
    // A session that ends itself would leave its caller outside for good.
    fc.constantFrom(...(path.includes('/auth/') ? keyed : callers)).chain((caller) =>
      namedBy(caller).chain((named) => {
        const schema = operation.requestBody?.content['application/json']?.schema
        const ids = [...path.matchAll(/([\w-]+)\/\{\w+\}/g)].map(([, segment = '']) => {
          const noun = nounOfSegment[segment]
          const right = noun ? fc.constantFrom(...named.map((one) => one[noun])) : word
          return fc.oneof({ weight: 9, arbitrary: right }, { weight: 1, arbitrary: word })
        })
        const components = api.document.components.schemas as Record<string, unknown>
        return fc
          .record({
            ids: fc.tuple(...ids),
            query: queryOf(operation.parameters, named),
            body: schema ? bodyOf(schema, components, named) : fc.constant(undefined),
            contentType: contentTypes,
            headers: oddHeaders,
            trick: pathTricks,
            broken: fc.oneof({ weight: 15, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: word }),
          })
          .map((parts) => assemble(caller, { method, path }, parts))
      }),
    ),
  )
}

interface Parts {
  readonly ids: readonly string[]
  readonly query: [string, string][]
  readonly body: unknown
  readonly contentType: string | undefined
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly trick: (path: string) => string
  readonly broken: string | undefined
}

let addresses = 0

function assemble(caller: Caller, { method, path }: { method: string; path: string }, parts: Parts): Attempt {
  let at = 0
  const filled = path.replaceAll(/\{\w+\}/g, () => encodeURIComponent((parts.ids[at++] ?? '').toWellFormed()) || 'x')
  const query = new URLSearchParams(parts.query)
  const address = `10.${(++addresses >> 16) & 255}.${(addresses >> 8) & 255}.${addresses & 255}`
  const text = parts.body === undefined ? undefined : (parts.broken ?? JSON.stringify(parts.body) ?? 'null')
  const whole = parts.trick(query.size > 0 ? `${filled}?${query}` : filled)
  const authorization = caller.key === null ? {} : { authorization: `Bearer ${caller.key}` }
  const session = caller.cookie === undefined ? {} : { cookie: caller.cookie, origin: api.url }
  const plain = parts.broken === undefined && parts.contentType === 'application/json' && whole.startsWith(filled)
  return {
    caller,
    operation: `${method} ${path}`,
    request: {
      method,
      path: whole.startsWith('/') || whole.startsWith('http') ? whole : `/${whole}`,
      headers: {
        'x-forwarded-for': address,
        ...parts.headers,
        ...(text !== undefined && parts.contentType !== undefined && { 'content-type': parts.contentType }),
        ...(Object.keys(parts.headers).some((name) => /^(authorization|cookie)$/.test(name)) ? {} : authorization),
        ...('cookie' in parts.headers ? {} : session),
      },
      bytes: text === undefined ? undefined : Buffer.from(text),
    },
    sent: plain ? parts.body : undefined,
  }
}

test('nothing that anybody sends makes the platform fail, break its word, or tell of a site that is not theirs', {
  timeout: (seconds + 120) * 1_000,
}, async () => {
  const statuses = new Map<number, number>()
  const reached = new Set<string>()
  let runs = 0
  process.stdout.write(`fuzz: seed ${seed}, ${seconds} s\n`)
  await fc.assert(
    fc.asyncProperty(
      fc.constant(null).chain(() => attempts()),
      async ({ caller, operation, request, sent }) => {
        const { status, contentType, text } = await sender.send(request)
        runs++
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
        if (status < 300) reached.add(operation)
        expect(status, text).toBeLessThan(500)
        expect(faultsOf(request, { status, contentType, text }, sent)).toEqual([])
        for (const place of places.filter((one) => !seen(caller).includes(one)))
          expect(leaksOf(place, text, request)).toEqual([])
        if (status < 300 && request.method === 'DELETE') await mend()
      },
    ),
    { seed, numRuns: 10_000_000, interruptAfterTimeLimit: seconds * 1_000, endOnFailure: true },
  )
  process.stdout.write(`fuzz: ${runs} requests, ${reached.size} operations reached, ${JSON.stringify([...statuses])}\n`)
  expect(api.logged.filter(({ level }) => Number(level) >= 50)).toEqual([])
  // The fuzz reaches the handlers, not only the doors.
  expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 400, 401, 403, 404, 422]))
})

/** What somebody removed is there anew. */
async function mend(): Promise<void> {
  for (const place of places) {
    const { device, asset, rule } = idsOf(place)
    const here = await Promise.all([
      api.get(`/api/v1/devices/${device}`),
      api.get(`/api/v1/assets/${asset}`),
      api.get(`/api/v1/rules/${rule}`),
    ])
    if (here.some(({ status }) => status !== 200)) things.set(place, await world.furnishWhole(place))
  }
}

interface Came {
  readonly status: number
  readonly contentType: string | null
  readonly text: string
}

function faultsOf({ method, path: given }: RawRequest, { status, contentType, text }: Came, sent: unknown): string[] {
  if (contentType?.startsWith('text/event-stream')) return []
  const isJson = /^application\/(?:problem\+)?json$/.test(contentType ?? '')
  const body: unknown = text === '' ? undefined : isJson ? JSON.parse(text) : text
  const path = normal(given)
  const operation = findOperation(api.document, method, path)
  // A path that is none of ours is at most a problem, and what it is exactly depends on what is wrong with it.
  const shown = operation === undefined && status >= 400 && status < 500 ? 404 : status
  return contractFaults(api.document, { method, path, status: shown, contentType, body, sent })
}

/** RFC 3986, section 6.2.2: letters and digits that are escaped mean themselves. RFC 9112: a target may name its host. */
function normal(path: string): string {
  return path
    .replace(/^http:\/\/127\.0\.0\.1/, '')
    .replaceAll(/%([46][1-9a-f]|[57][0-9a]|3[0-9]|2[de]|5f|7e)/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
}

/** What an answer has of a site beside what its request named itself. */
function leaksOf(place: Place, text: string, { path, bytes }: RawRequest): string[] {
  const asked = `${path} ${normal(path)} ${bytes?.toString() ?? ''}`
  const ids = [...text.matchAll(new RegExp(`[a-z]+-${place}-\\d+|\\b${siteOf(place)}`, 'g'))].map(([id]) => id)
  const secrets = text.includes(secretOf(place)) ? [secretOf(place)] : []
  return [...secrets, ...ids.filter((id) => !asked.includes(id))]
}
