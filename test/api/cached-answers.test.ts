import { expect, test } from 'vitest'
import { createCachedAnswers } from '../../api/cached-answers.ts'
import type { RawRequest } from '../../api/request.ts'
import type { AccessContext, RawAnswer } from '../../api/route.ts'
import { type Access, parseSiteId } from '../../model/index.ts'
import { type Cache, createMemoryCache } from '../../store/cache/index.ts'

const [north, south] = [parseSiteId('north'), parseSiteId('south')]

interface Asking {
  readonly path?: string
  readonly query?: string
  readonly accept?: string
  readonly access?: Access
  readonly scopes?: readonly string[]
}

/** A route whose answer tells how often it was loaded, for whom, and what the data was. */
function bench(cache: Cache = createMemoryCache({ maxBytes: 1_000_000 })) {
  const world = { version: 1, data: 'one', loads: 0, told: [] as AccessContext[] }
  const answerCached = createCachedAnswers({ cache, versions: { read: async (of) => `${of.join()}.${world.version}` } })
  let load = async (): Promise<RawAnswer> => ({ status: 200, body: { data: world.data } })
  const run = async (context: AccessContext) => {
    world.loads++
    world.told.push(context)
    return load()
  }
  async function ask({ path = '/things', query = '', accept, access, scopes = [] }: Asking = {}) {
    const request: RawRequest = {
      params: { id: '1' },
      query: new URLSearchParams(query),
      contentType: undefined,
      accept,
      readBody: async () => new Uint8Array(),
    }
    const principal = { kind: 'key', id: crypto.randomUUID(), role: 'viewer', sites: 'all', ...access } as const
    const runFor = (_: RawRequest, context: AccessContext) => run(context)
    const cached = { of: ['inventory'] as const, runFor }
    const { status, json, body, cache } = await answerCached({ path, cached, request, asker: { principal, scopes } })
    const text = json && Buffer.from(json.bytes).toString()
    return { status, body: text === undefined ? body : JSON.parse(text), tag: json?.tag, cache }
  }
  return {
    world,
    ask,
    loadWith(given: typeof load) {
      load = given
    },
  }
}

test('who asks for the same again gets the same bytes under the same tag, without a load', async () => {
  const { world, ask } = bench()
  const first = await ask()
  expect(first).toMatchObject({ status: 200, body: { data: 'one' }, cache: 'miss' })
  expect(await ask()).toEqual({ ...first, cache: 'hit' })
  expect(world.loads).toBe(1)
})

test('whatever an answer may depend on makes it another one', async () => {
  const { world, ask } = bench()
  const askings: Asking[] = [
    {},
    { path: '/others' },
    { query: 'a=1' },
    { query: 'a=2' },
    { query: 'a=1&a=2' },
    { query: 'b=1' },
    { accept: 'text/csv' },
    { access: { role: 'operator', sites: 'all' } },
    { access: { role: 'viewer', sites: [] } },
    { access: { role: 'viewer', sites: [north] } },
    { access: { role: 'viewer', sites: [south] } },
    { access: { role: 'viewer', sites: [north, south] } },
    { scopes: ['sites:read'] },
    { scopes: ['sites:read', 'rules:read'] },
  ]
  for (const asking of askings) expect([asking, (await ask(asking)).cache]).toEqual([asking, 'miss'])
  expect(world.loads).toBe(askings.length)
  for (const asking of askings) expect([asking, (await ask(asking)).cache]).toEqual([asking, 'hit'])
  // Their order says nothing.
  expect((await ask({ access: { role: 'viewer', sites: [south, north] } })).cache).toBe('hit')
  expect((await ask({ scopes: ['rules:read', 'sites:read'] })).cache).toBe('hit')
})

test('the load is told what its asker may see, and not who that is', async () => {
  const { world, ask } = bench()
  await ask({ access: { role: 'operator', sites: [north] } })
  expect(world.told).toEqual([{ principal: { role: 'operator', sites: [north] } }])
})

test('what was loaded before a write is not found after it, also when the write came while it was loaded', async () => {
  const { world, ask, loadWith } = bench()
  const { promise: slow, resolve } = Promise.withResolvers<undefined>()
  loadWith(async () => {
    const { data } = world
    await slow
    return { status: 200, body: { data } }
  })
  const early = ask()
  await expect.poll(() => world.loads).toBe(1)
  Object.assign(world, { version: 2, data: 'two' })
  const late = ask()
  await expect.poll(() => world.loads).toBe(2)
  resolve(undefined)
  expect((await early).body).toEqual({ data: 'one' })
  expect((await late).body).toEqual({ data: 'two' })
  expect(await ask()).toMatchObject({ body: { data: 'two' }, cache: 'hit' })
})

test('a hundred who ask for the same at once load it once', async () => {
  const { world, ask } = bench()
  const answers = await Promise.all(Array.from({ length: 100 }, () => ask()))
  expect(world.loads).toBe(1)
  expect(new Set(answers.map(({ tag, cache }) => `${tag} ${cache}`)).size).toBe(1)
})

test('what a load fails with is told to all who wait for it, and is not kept', async () => {
  const { world, ask, loadWith } = bench()
  loadWith(async () => {
    throw new Error('the database is gone')
  })
  const answers = await Promise.allSettled(Array.from({ length: 20 }, () => ask()))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set(['rejected']))
  expect(world.loads).toBe(1)
  loadWith(async () => ({ status: 200, body: {} }))
  expect(await ask()).toMatchObject({ status: 200, cache: 'miss' })
})

test('what is more than JSON with 200 is not kept', async () => {
  const { ask, loadWith } = bench()
  const answers: RawAnswer[] = [
    { status: 202, body: {} },
    { status: 200, body: {}, headers: { location: '/' } },
    { status: 200, body: {}, cookies: ['a=b'] },
    { status: 204 },
  ]
  for (const [i, answer] of answers.entries()) {
    loadWith(async () => answer)
    for (let times = 0; times < 2; times++)
      expect(await ask({ path: `/${i}` })).toMatchObject({ status: answer.status, cache: 'miss' })
  }
})

test.each(['', 'x', '"short"', `"${'a'.repeat(23)}{}`, 'a'.repeat(100), '{"data":"one"}'])(
  'what is under a key and was not put there by it is a miss: %j',
  async (text) => {
    const { ask } = bench({ get: async () => Buffer.from(text), set: () => undefined })
    expect(await ask()).toMatchObject({ body: { data: 'one' }, cache: 'miss' })
  },
)
