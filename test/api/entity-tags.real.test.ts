import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { entityTagOf, namesTag } from '../../api/entity-tag.ts'
import { type Harness, startApi } from './harness.ts'

const listed = 'https://console.example.com'
let api: Harness
beforeAll(async () => {
  api = await startApi({ corsOrigins: listed })
})
afterAll(() => api.stop())

const ask = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  api.request(method, path, { headers })

describe('an entity tag', () => {
  test('is of the bytes: the same for the same, another for others, and strong', async () => {
    const path = '/api/v1/sites/main'
    const first = await ask(path)
    const again = await ask(path)
    const tag = first.headers.get('etag') ?? ''
    expect(tag).toMatch(/^"[\w-]{22}"$/)
    expect(again.headers.get('etag')).toBe(tag)
    const whole = await fetch(`${api.url}${path}`, { headers: { authorization: `Bearer ${api.adminKey}` } })
    expect(entityTagOf(await whole.bytes())).toBe(tag)
    await api.request('PATCH', path, { body: { name: 'Elsewhere' } })
    expect((await ask(path)).headers.get('etag')).not.toBe(tag)
    await api.request('PATCH', path, { body: { name: first.body.name } })
    expect((await ask(path)).headers.get('etag')).toBe(tag)
  })

  test.each([
    ['itself', (tag: string) => tag],
    ['weakened on the way', (tag: string) => `W/${tag}`],
    ['one of several', (tag: string) => `"x", W/"y,z" ,${tag}`],
    ['any', () => '*'],
  ])('that the client names as %s spares it the body, and nothing else', async (_, name) => {
    const path = '/api/v1/profiles'
    const { headers, status } = await ask(path)
    expect(status).toBe(200)
    const tag = headers.get('etag') ?? ''
    const known = await ask(path, { 'if-none-match': name(tag), origin: listed })
    expect([known.status, known.body]).toEqual([304, undefined])
    const whole = await ask(path, { origin: listed })
    const of = (given: Headers) =>
      ['etag', 'cache-control', 'vary', 'x-content-type-options', 'access-control-allow-origin'].map((one) => [
        one,
        given.get(one),
      ])
    expect(of(known.headers)).toEqual(of(whole.headers))
    expect(known.headers.has('content-type')).toBe(false)
    expect(known.headers.get('access-control-expose-headers')).toMatch(/etag.*x-cache/)
  })

  test.each(['"other"', 'W/"other"', '', '""', 'nonsense', '"unclosed', '*, "x"'])(
    'that is not among %s does not',
    async (given) => {
      expect((await ask('/api/v1/profiles', { 'if-none-match': given })).status).toBe(200)
    },
  )

  test('is asked for by HEAD too', async () => {
    const path = '/api/v1/profiles'
    const tag = (await ask(path, {}, 'HEAD')).headers.get('etag')
    expect(tag).toBe((await ask(path)).headers.get('etag'))
    expect((await ask(path, { 'if-none-match': tag ?? '' }, 'HEAD')).status).toBe(304)
  })

  test('is not of a problem, a page, a stream, or what a write answers', async () => {
    const answers = [
      await ask('/api/v1/sites/nowhere', { 'if-none-match': '*' }),
      await ask('/', { 'if-none-match': '*' }),
      await ask('/metrics', { 'if-none-match': '*' }),
      await ask('/api/v1/audit', { accept: 'text/csv', 'if-none-match': '*' }),
      await api.request('PATCH', '/api/v1/sites/main', { body: {}, headers: { 'if-none-match': '*' } }),
    ]
    expect(answers.map(({ status, headers }) => [status, headers.has('etag')])).toEqual([
      [404, false],
      [200, false],
      [200, false],
      [200, false],
      [200, false],
    ])
  })

  test('does not tell who may not ask that it is still so', async () => {
    const tag = (await ask('/api/v1/keys')).headers.get('etag') ?? ''
    const key = await api.issueKey({ role: 'viewer' })
    const headers = { 'if-none-match': tag }
    expect((await api.get('/api/v1/keys', { key, headers })).status).toBe(403)
    expect((await api.get('/api/v1/keys', { key: null, headers })).status).toBe(401)
  })

  test('is found in a list as long as a header may be, and no list of quotes takes long', () => {
    const tag = entityTagOf(new Uint8Array())
    expect(namesTag(`${'"a", '.repeat(5_000)}${tag}`, tag)).toBe(true)
    expect(namesTag('"'.repeat(100_001), tag)).toBe(false)
    expect(namesTag('W/'.repeat(50_000), tag)).toBe(false)
  })
})

describe('browsers', () => {
  test('may keep what is no secret and of no person, and ask each time whether it is still so', async () => {
    const kept = ['sites', 'assets', 'devices', 'profiles', 'rules', 'alerts', 'status', 'service-levels']
    const not = ['keys', 'people', 'notifications', 'audit', 'devices/platform/tokens']
    const control = async (names: readonly string[]) =>
      new Set(await Promise.all(names.map(async (name) => (await ask(`/api/v1/${name}`)).headers.get('cache-control'))))
    expect(await control(kept)).toEqual(new Set(['private, no-cache']))
    expect(await control(not)).toEqual(new Set(['no-store']))
    const refused = await api.get('/api/v1/sites/nowhere')
    expect(refused.headers.get('cache-control')).toBe('no-store')
  })

  test('are told that one address has answers of several kinds', async () => {
    expect((await ask('/api/v1/audit')).headers.get('vary')).toMatch(/Accept/)
  })
})
