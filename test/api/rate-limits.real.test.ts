import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createApp } from '../../api/app.ts'
import { apiConfigSchema } from '../../api/config.ts'
import { createQuotas } from '../../api/quota.ts'
import { definePublicRoute } from '../../api/route.ts'
import { createLimits } from '../../store/limits/index.ts'
import { createRedis, redisConfigSchema } from '../../store/redis/index.ts'
import { startRedis } from '../setup/redis-server.ts'
import { describeWith } from '../setup/require-tool.ts'
import { waitUntil } from '../setup/wait.ts'
import { startApi } from './harness.ts'

const from = (address: string) => ({ headers: { 'x-forwarded-for': address } })

describe('the requests of a key', () => {
  test('are counted, and each answer tells what is left', async () => {
    await using api = await startApi({ principalPerMin: 3 })
    const answers = [
      await api.get('/api/v1/sites'),
      await api.get('/api/v1/nowhere'),
      await api.get('/api/v1/sites/nope'),
    ]
    expect(answers.map(({ headers }) => headers.get('ratelimit-remaining'))).toEqual(['2', null, '1'])
    expect(answers[0]?.headers.get('ratelimit-limit')).toBe('3')
    const reset = Number(answers[0]?.headers.get('ratelimit-reset'))
    expect(reset).toBeGreaterThan(0)
    expect(reset).toBeLessThanOrEqual(60)
  })

  test('that are too many are refused with the time to wait, and count for nobody else', async () => {
    await using api = await startApi({ principalPerMin: 2 })
    const other = await api.issueKey({ role: 'viewer' })
    for (let i = 0; i < 2; i++) expect((await api.get('/api/v1/sites')).status).toBe(200)
    const { status, headers, body } = await api.get('/api/v1/sites')
    expect([status, body.code]).toEqual([429, 'rate_limited'])
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(60)
    expect(headers.get('ratelimit-remaining')).toBe('0')
    expect(headers.get('content-type')).toBe('application/problem+json')
    expect((await api.get('/api/v1/sites', { key: other })).status).toBe(200)
    expect((await api.get('/livez', { key: null })).status).toBe(200)
    expect((await api.get('/metrics', { key: null })).body).toContain(
      'pelbiot_http_rate_limited_total{limit="principal"} 1',
    )
  })

  test('that are too many change nothing', async () => {
    await using api = await startApi({ principalPerMin: 1 })
    const site = { id: 's', name: 'S', timeZone: 'UTC', currency: 'EUR' }
    expect((await api.post('/api/v1/sites', site)).status).toBe(201)
    expect((await api.post('/api/v1/sites', { ...site, id: 't' })).status).toBe(429)
    expect((await api.state.sites.list({ scope: 'all', limit: 10 })).items.map(({ id }) => id)).toEqual(['main', 's'])
  })
})

describe('the requests of an address', () => {
  test.each([
    ['without a key', { key: null }, 401],
    ['with a key that is none', { key: 'pel_key_guess' }, 401],
  ])('%s are counted, whatever they ask for', async (_, options, status) => {
    await using api = await startApi({ addressPerMin: 4 })
    // One went to the harness, for the document.
    expect((await api.get('/api/v1/sites', options)).status).toBe(status)
    expect((await api.get('/livez', options)).status).toBe(200)
    expect((await api.get('/nowhere', options)).status).toBe(404)
    for (const path of ['/api/v1/sites', '/livez', '/nowhere', '/docs'])
      expect([path, (await api.get(path, options)).status]).toEqual([path, 429])
    // Who has a key is known by it, wherever it comes from.
    expect((await api.get('/api/v1/sites')).status).toBe(200)
  })

  test('are those of the client behind a trusted proxy', async () => {
    await using api = await startApi({ addressPerMin: 1, trustedProxies: '127.0.0.1' })
    const statuses: number[] = []
    for (const address of ['203.0.113.1', '203.0.113.2', '203.0.113.1', '9.9.9.9, 203.0.113.2'])
      statuses.push((await api.get('/livez', { key: null, ...from(address) })).status)
    expect(statuses).toEqual([200, 200, 429, 429])
  })

  test('are those of its socket, whatever it claims, where no proxy is trusted', async () => {
    await using api = await startApi({ addressPerMin: 2 })
    const statuses: number[] = []
    for (let i = 0; i < 4; i++)
      statuses.push((await api.get('/livez', { key: null, ...from(`203.0.113.${i}`) })).status)
    // The harness has asked for the document before.
    expect(statuses).toEqual([200, 429, 429, 429])
  })

  test('of IPv6 are those of its /64', async () => {
    await using api = await startApi({ addressPerMin: 1, trustedProxies: '127.0.0.1' })
    const status = async (address: string) => (await api.get('/livez', { key: null, ...from(address) })).status
    expect(await status('2001:db8:0:1::1')).toBe(200)
    expect(await status('2001:db8:0:1:ffff::2')).toBe(429)
    expect(await status('2001:db8:0:2::1')).toBe(200)
  })
})

test('a route by which somebody could be guessed has a limit of its own', async () => {
  const rule = (limit: number) => ({ limit, windowS: 60 })
  const limits = createLimits({ principal: rule(9), address: rule(9), 'sign-in': rule(2) }, { redis: undefined })
  const face = { method: 'get', tag: 'Platform', summary: 'Try' } as const
  const responses = { 200: { description: 'It', schema: z.strictObject({}) } }
  const handler = async () => ({ status: 200, body: {} }) as const
  const nobody = { kind: 'key', id: 'nobody', role: 'viewer', sites: [] } as const
  const routes = [
    definePublicRoute({ ...face, path: '/guess', limit: 'sign-in', responses, handler }),
    definePublicRoute({ ...face, path: '/other', responses, handler }),
  ]
  const app = createApp(routes, apiConfigSchema.parse({}), {
    authenticate: async () => ({ principal: nobody, scopes: [], session: null, needsSecondFactor: false, cookies: [] }),
    logger: pino({ level: 'silent' }),
    metrics: { begin: () => () => undefined, cacheAsked: () => undefined },
    quotaOf: createQuotas(limits, () => undefined),
    answerCached: async () => Promise.reject(new Error('nothing is kept')),
    refused: { note: () => undefined },
    repeats: { run: async ({ route, request, context }) => route.run(request, context) },
  })
  const statuses: number[] = []
  for (const path of ['/guess', '/guess', '/guess', '/other']) statuses.push((await app.request(path)).status)
  expect(statuses).toEqual([200, 200, 429, 200])
})

describeWith(['redis-server'], 'with a Redis', () => {
  test('that is killed half-way nobody meets an error', async () => {
    await using server = await startRedis()
    const config = redisConfigSchema.parse({ retryMinMs: 10, retryMaxMs: 50 })
    const redis = createRedis({ ...config, url: server.url }, pino({ level: 'silent' }))
    redis.start()
    await waitUntil('redis to be used', () => redis.isUsable)
    await using api = await startApi({ principalPerMin: 100_000 }, { redis })
    const statuses = new Set<number>()
    let answered = 0
    const ask = async () => {
      while (answered < 400) {
        statuses.add((await api.get('/api/v1/sites')).status)
        answered++
      }
    }
    const asking = Promise.all(Array.from({ length: 10 }, ask))
    await waitUntil('half of them', () => answered > 200)
    await server.kill()
    await asking
    expect([...statuses]).toEqual([200])
    expect(redis.isUsable).toBe(false)
    await redis.stop()
  })
})
