import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseSiteId, roles } from '../../model/index.ts'
import { transition } from '../store/state/harness.ts'
import { type Harness, type RequestOptions, startApi, startMs } from './harness.ts'

/** Whatever belongs to the other site bears it somewhere. */
const marker = 'Rahasia-tetangga'
const elsewhere = parseSiteId('elsewhere')
const runs = Number(process.env['FUZZ_RUNS'] ?? 3_000)
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)

interface Caller {
  readonly name: string
  readonly credentials: RequestOptions
  /** Sees nothing of the other site, and tries to. */
  readonly limited: boolean
}

let api: Harness
const callers: Caller[] = []
beforeAll(async () => {
  api = await startApi()
  await api.post('/api/v1/devices', { id: 'm', profileId: 'meter-1ph' })
  await api.post('/api/v1/assets', { id: 'a', siteId: 'main', kind: 'panel', name: 'A' })
  await api.measure('m', 'voltage', [[startMs, 230]])
  const condition = { metric: 'voltage', op: '>', levels: [{ severity: 'warning', value: 253 }] }
  await api.post('/api/v1/rules', { id: 'r', name: 'R', appliesTo: { device: 'm' }, condition })
  await api.state.alertLedger.record([transition('fired', 0, { siteId: parseSiteId('main') })], 1)
  await makeNeighbour()
  for (const role of roles) {
    for (const sites of ['all', [parseSiteId('main')]] as const)
      callers.push({
        name: `${role} of ${sites}`,
        credentials: { key: await api.issueKey({ role, sites }) },
        limited: sites !== 'all',
      })
    const { cookie } = await api.signIn({ role, sites: [parseSiteId('main')] })
    callers.push({ name: `person, ${role} of main`, credentials: { cookie }, limited: true })
  }
  const narrow = await api.issueKey({ role: 'admin', sites: [parseSiteId('main')], scopes: ['readings:read'] })
  callers.push({ name: 'key for readings', credentials: { key: narrow }, limited: true })
  callers.push({ name: 'anybody', credentials: { key: null }, limited: true })
})

/** Things of another site, under ids that are easily guessed. */
async function makeNeighbour(): Promise<void> {
  await api.post('/api/v1/sites', { id: elsewhere, name: marker, timeZone: 'Asia/Makassar', currency: 'IDR' })
  await api.post('/api/v1/devices', {
    id: 'far',
    profileId: 'meter-1ph',
    siteId: elsewhere,
    name: marker,
    tags: [marker],
  })
  await api.post('/api/v1/assets', { id: 'far-asset', siteId: elsewhere, kind: 'panel', name: marker })
  await api.measure('far', 'voltage', [[startMs, 4_711.4711]])
  const condition = { metric: 'voltage', op: '>', levels: [{ severity: 'warning', value: 253 }] }
  await api.post('/api/v1/rules', { id: 'far-rule', name: marker, appliesTo: { device: 'far' }, condition })
  await api.state.alertLedger.record([transition('far-alert', 0, { siteId: elsewhere, ruleName: marker })], 2)
}
afterAll(() => api.stop())

/** Values that are right somewhere, nearly right, or right nowhere. */
const word = fc.oneof(
  fc.constantFrom(
    'm',
    'main',
    'voltage',
    'meter-1ph',
    '1h',
    '1mo',
    'avg',
    'asc',
    'true',
    'viewer',
    'all',
    'Asia/Jakarta',
    'EUR',
  ),
  fc.constantFrom(
    '',
    '0',
    '1',
    '-1',
    '5',
    '1e9',
    '2026-11-23T10:00:00Z',
    String(startMs),
    'null',
    '%',
    '../..',
    '__proto__',
  ),
  fc.string({ unit: 'binary', maxLength: 80 }),
)

const value: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    word,
    fc.integer(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      fc.constantFrom('id', 'name', 'unit', 'kind', 'min', 'max', 'metrics', '__proto__', 'a'),
      tie('value'),
      {
        maxKeys: 5,
      },
    ),
  ),
})).value

type Schema = Record<string, unknown>

/** A body that has the right fields, each with its own kind of value or any other. */
function bodyFor(schema: Schema): fc.Arbitrary<unknown> {
  const name = String(schema['$ref'] ?? '')
    .split('/')
    .at(-1)
  const properties = (api.document.components.schemas[name ?? ''] as Schema | undefined)?.['properties'] as Schema
  const fields = Object.fromEntries(
    Object.entries(properties).map(([field, inner]) => {
      const { enum: values, example } = inner as { enum?: unknown[]; example?: unknown }
      const right = values ? fc.constantFrom(...values) : example === undefined ? value : fc.constant(example)
      return [field, fc.oneof(right, value)]
    }),
  )
  return fc.oneof({ weight: 4, arbitrary: fc.record(fields, { requiredKeys: [] }) }, { weight: 1, arbitrary: value })
}

/** What is there already, so that requests get beyond 404. */
const idOf: Readonly<Record<string, string>> = {
  devices: 'm',
  sites: 'main',
  profiles: 'meter-1ph',
  assets: 'a',
  rules: 'r',
  alerts: 'fired',
}

/** The same of the other site: who is limited asks for these too. */
const foreignIdOf: Readonly<Record<string, string>> = {
  devices: 'far',
  sites: 'elsewhere',
  profiles: 'meter-1ph',
  assets: 'far-asset',
  rules: 'far-rule',
  alerts: 'far-alert',
}

const rightQuery: Readonly<Record<string, fc.Arbitrary<string>>> = {
  limit: fc.constantFrom('1', '10000'),
  metric: fc.constantFrom('voltage', 'current'),
  from: fc.constantFrom('0', String(startMs), '2026-11-23T09:00:00Z'),
  to: fc.constantFrom('2026-11-23T11:00:00Z', String(startMs + 1)),
  bucket: fc.constantFrom('1s', '15m', '7h', '1d', '2w', '1mo', '100y'),
  fn: fc.constantFrom('avg', 'sum'),
}

/** Parameters that the operation has, mostly with values that it takes; now and then others. */
function queryFor(
  parameters: readonly { name: string; in: string; required: boolean }[],
): fc.Arbitrary<Record<string, string>> {
  const inQuery = parameters.filter((one) => one.in === 'query')
  const fields = Object.fromEntries(
    inQuery.map(({ name }) => [
      name,
      fc.oneof({ weight: 9, arbitrary: rightQuery[name] ?? word }, { weight: 1, arbitrary: word }),
    ]),
  )
  const right = fc.record(fields, { requiredKeys: inQuery.filter(({ required }) => required).map(({ name }) => name) })
  return fc.oneof(
    { weight: 9, arbitrary: right.map((query) => query as Record<string, string>) },
    { weight: 1, arbitrary: fc.dictionary(word, word, { maxKeys: 3 }) },
  )
}

/** Which would end the session of a caller; the tests of signing in are about them. */
const ending = new Set(['/api/v1/auth/sign-out', '/api/v1/auth/password', '/api/v1/auth/sessions'])

test('nothing that anybody sends makes the platform fail, or answer what it does not promise', {
  timeout: 60_000 + 20 * runs,
}, async () => {
  const operations = Object.entries(api.document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      // What it deleted would be missing for all that comes after.
      .filter(([method]) => method !== 'delete' && !ending.has(path))
      .map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )
  const any = fc.tuple(fc.constantFrom(...operations), fc.constantFrom(...callers))
  const request = any.chain(([{ path, method, operation }, caller]) => {
    const own = idOf[path.split('/')[3] ?? ''] ?? 'm'
    const foreign = caller.limited ? (foreignIdOf[path.split('/')[3] ?? ''] ?? 'far') : own
    const schema = operation.requestBody?.content['application/json']?.schema
    return fc.record({
      method: fc.constant(method),
      path: fc.constant(path),
      caller: fc.constant(caller),
      ids: fc.array(fc.oneof({ weight: 5, arbitrary: fc.constantFrom(own, foreign) }, { weight: 1, arbitrary: word }), {
        minLength: 2,
        maxLength: 2,
      }),
      query: queryFor(operation.parameters),
      options: schema
        ? bodyFor(schema).map((body): RequestOptions => ({ body: body ?? null }))
        : fc.constant<RequestOptions>({}),
    })
  })
  const seen = new Map<number, number>()
  process.stdout.write(`fuzz: ${runs} requests by ${callers.length} callers, FUZZ_SEED=${seed}\n`)
  await fc.assert(
    fc.asyncProperty(request, async ({ method, path, caller, ids, query, options }) => {
      let at = 0
      const filled = path.replaceAll(/\{\w+\}/g, () => encodeURIComponent(ids[at++]?.toWellFormed() || 'm'))
      const search = new URLSearchParams(query)
      const target = search.size > 0 ? `${filled}?${search}` : filled
      const { status, body } = await api.request(method, target, { ...options, ...caller.credentials })
      seen.set(status, (seen.get(status) ?? 0) + 1)
      expect(status, `${caller.name}: ${method} ${target}`).toBeLessThan(500)
      if (caller.limited)
        expect(JSON.stringify(body) ?? '', `${caller.name}: ${method} ${target}`).not.toContain(marker)
      if (caller.limited) expect(JSON.stringify(body) ?? '').not.toContain('4711.4711')
    }),
    { numRuns: runs, seed },
  )
  expect(api.logged).toEqual([])
  // The fuzz reaches the handlers, not only the doors.
  expect([...seen.keys()]).toEqual(expect.arrayContaining([200, 400, 401, 403, 404, 422]))
})
