import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Harness, startApi } from './harness.ts'
import { exchange } from './raw-exchange.ts'

const listed = 'https://console.example.com'
const other = 'https://evil.example.com'

let api: Harness
beforeAll(async () => {
  api = await startApi({ corsOrigins: listed, trustedProxies: '127.0.0.1' })
})
afterAll(() => api.stop())

const call = (path: string, init: RequestInit = {}) => fetch(`${api.url}${path}`, init)
const withKey = () => ({ authorization: `Bearer ${api.adminKey}` })

/** The head of what comes for bytes that `fetch` would not send. */
async function rawHead(bytes: string): Promise<Headers> {
  const [, ...lines] = ((await exchange(api.url, bytes)).split('\r\n\r\n', 1)[0] ?? '').split('\r\n')
  return new Headers(lines.map((line): [string, string] => [line.split(':', 1)[0] ?? '', line.replace(/^[^:]*: /, '')]))
}

describe('every answer', () => {
  const answers: readonly (readonly [string, () => Promise<Headers>])[] = [
    ['data', async () => (await call('/api/v1/devices', { headers: withKey() })).headers],
    ['a refusal', async () => (await call('/api/v1/devices')).headers],
    ['nothing at all', async () => (await call('/nowhere')).headers],
    ['a page', async () => (await call('/')).headers],
    ['a script', async () => (await call('/docs/page.js')).headers],
    ['the metrics', async () => (await call('/metrics')).headers],
    ['to no HTTP', () => rawHead('nonsense\r\n\r\n')],
    ['to no address', () => rawHead('OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')],
  ]
  test.each(answers)('has the security headers: %s', async (what, ask) => {
    const headers = await ask()
    expect(headers.get('content-security-policy')).toMatch(/default-src 'none';.*frame-ancestors 'none'/)
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'permissions-policy': expect.stringContaining('camera=()'),
      'cache-control': what === 'data' ? 'private, no-cache' : 'no-store',
      'x-request-id': expect.any(String),
    })
    expect(headers.has('strict-transport-security')).toBe(false)
    expect(headers.has('x-powered-by')).toBe(false)
  })

  test('to who came by TLS says that it is to stay so', async () => {
    const { headers } = await call('/livez', {
      headers: { 'x-forwarded-proto': 'https', 'x-forwarded-for': '1.2.3.4' },
    })
    expect(headers.get('strict-transport-security')).toBe('max-age=31536000')
  })

  test('of data runs nothing, and of a page only what is ours', async () => {
    const policy = async (path: string) => (await call(path)).headers.get('content-security-policy') ?? ''
    expect(await policy('/livez')).toBe(
      "default-src 'none'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    )
    for (const page of ['/', '/docs']) {
      expect(await policy(page)).toMatch(/script-src 'self';/)
      expect(await policy(page)).not.toMatch(/script-src[^;]*unsafe|\*|https?:/)
    }
  })
})

describe('a page elsewhere', () => {
  const preflight = (origin: string, path = '/api/v1/devices') =>
    call(path, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
    })

  test('of a listed origin may do what the path allows, with credentials', async () => {
    const { status, headers } = await preflight(listed)
    expect(status).toBe(204)
    expect(headers.get('access-control-allow-origin')).toBe(listed)
    expect(headers.get('access-control-allow-credentials')).toBe('true')
    expect(headers.get('access-control-allow-methods')).toBe('GET,HEAD,POST')
    expect(headers.get('access-control-allow-headers')).toContain('authorization')
    expect(headers.get('access-control-max-age')).toBe('600')
    expect(headers.get('vary')).toContain('Origin')
    expect((await preflight(listed, '/api/v1/devices/m')).headers.get('access-control-allow-methods')).toBe(
      'DELETE,GET,HEAD,PATCH',
    )
  })

  test('of a listed origin reads answers and problems, and their headers', async () => {
    for (const [path, status] of [
      ['/api/v1/devices', 200],
      ['/api/v1/nothing', 404],
      ['/api/v1/devices/nobody', 404],
    ] as const) {
      const answer = await call(path, { headers: { ...withKey(), origin: listed } })
      expect([path, answer.status]).toEqual([path, status])
      expect(answer.headers.get('access-control-allow-origin')).toBe(listed)
      expect(answer.headers.get('access-control-expose-headers')).toContain('x-request-id')
      expect(answer.headers.get('vary')).toContain('Origin')
    }
  })

  test.each([
    other,
    'null',
    `${listed}.evil.com`,
    `${listed}:8443`,
    listed.toUpperCase(),
    listed.replace('https', 'http'),
  ])('of the origin %s may not', async (origin) => {
    const refused = await preflight(origin)
    expect(refused.status).toBe(405)
    const answer = await call('/api/v1/devices', { headers: { ...withKey(), origin } })
    for (const { headers } of [refused, answer])
      expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
    expect(answer.headers.get('vary')).toContain('Origin')
  })

  test('may do nothing where no origin is listed', async () => {
    await using own = await startApi()
    const answer = await fetch(`${own.url}/livez`, { headers: { origin: own.url } })
    expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
  })
})

describe('the address of a client', () => {
  const site = { name: 'S', timeZone: 'UTC', currency: 'EUR' }

  test('is in the audit as a trusted proxy tells it', async () => {
    const headers = { 'x-forwarded-for': '1.1.1.1, 203.0.113.7' }
    await api.post('/api/v1/sites', { ...site, id: 'proxied' }, { headers })
    const { body } = await api.get('/api/v1/audit?resourceType=site&resourceId=proxied')
    expect(body.items).toMatchObject([{ address: '203.0.113.7' }])
  })

  test('is that of the socket where no proxy is trusted', async () => {
    await using own = await startApi()
    const headers = { 'x-forwarded-for': '203.0.113.7', forwarded: 'for=203.0.113.7' }
    await own.post('/api/v1/sites', { ...site, id: 'spoofed' }, { headers })
    const { body } = await own.get('/api/v1/audit?resourceType=site&resourceId=spoofed')
    expect(body.items).toMatchObject([{ address: '127.0.0.1' }])
  })
})

describe('settings that are none are refused:', () => {
  test.each([
    { corsOrigins: '*' },
    { corsOrigins: 'https://a.example/path' },
    { corsOrigins: 'https://a.example:443' },
    { corsOrigins: 'null' },
    { trustedProxies: 'proxy.local' },
    { trustedProxies: '10.0.0.0/40' },
  ])('%o', async (settings) => {
    await expect(startApi(settings)).rejects.toThrow(/is not an? /)
  })
})
