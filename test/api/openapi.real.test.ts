import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createApp } from '../../api/app.ts'
import { apiConfigSchema } from '../../api/config.ts'
import { createHttpMetrics } from '../../api/http-metrics.ts'
import { createQuotas } from '../../api/quota.ts'
import { createRepeats } from '../../api/repeats.ts'
import { createRoutes } from '../../api/routes.ts'
import { type Harness, startApi } from './harness.ts'
import { routeDepsOf } from './route-deps.ts'

let api: Harness
beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api.stop())

const operations = () =>
  Object.entries(api.document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ id: `${method.toUpperCase()} ${path}`, operation })),
  )

/** What hono really has mounted, in OpenAPI's words; the middleware around everything is no route. */
function mounted(): string[] {
  const deps = routeDepsOf(api)
  const { registry, people, state } = deps
  const { authenticate } = people
  const logger = pino({ level: 'silent' })
  const metrics = createHttpMetrics(registry, { answered: () => undefined, cacheAsked: () => undefined })
  const quotaOf = createQuotas({ take: async () => undefined, forget: async () => undefined }, () => undefined)
  const refused = { note: () => undefined }
  const answerCached = async () => ({ status: 500 })
  const repeats = createRepeats({ answers: state.answers, onMadeRoom: () => undefined, logger })
  const app = createApp(createRoutes(deps), apiConfigSchema.parse({}), {
    authenticate,
    logger,
    metrics,
    quotaOf,
    answerCached,
    refused,
    repeats,
  })
  return app.routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)
}

/** What somebody needs who is not signed in yet. */
const beforeSignIn = [
  'GET /api/v1/auth/methods',
  'GET /api/v1/auth/oidc/start',
  'GET /api/v1/auth/oidc/callback',
  'POST /api/v1/auth/sign-in',
  'POST /api/v1/auth/sign-in/code',
  'POST /api/v1/auth/link',
  'POST /api/v1/auth/link/password',
  'POST /api/v1/auth/password-reset',
  'POST /api/v1/auth/set-up',
]

describe('the OpenAPI document', () => {
  test('has every mounted route, and no other', () => {
    const documented = operations().map(({ id }) => id)
    expect(documented.toSorted()).toEqual(mounted().toSorted())
    expect(new Set(documented).size).toBe(documented.length)
  })

  test('says of every operation what it is for and who may call it', () => {
    for (const { id, operation } of operations()) {
      expect([id, operation.summary]).toEqual([id, expect.stringMatching(/^[A-Z].{5,}[^.]$/)])
      const policy = operation['x-pelbiot-policy']
      const { description, security } = operation
      if (policy === 'public') {
        expect(id.includes('/api/v1')).toBe(beforeSignIn.includes(id))
        expect([id, security, description]).toEqual([id, [], expect.stringMatching(/Who: anybody, without a key\.$/)])
      } else if ('for' in policy) {
        const session = { session: [] }
        expect([id, security]).toEqual([id, policy.for === 'person' ? [session] : [{ key: [] }, session]])
        expect([id, description]).toEqual([id, expect.stringMatching(/Who: .* about themselves/)])
      } else {
        const devices = policy.devices === undefined ? [] : [{ device: [] }]
        expect([id, security]).toEqual([
          id,
          [...policy.scope.map((scope) => ({ key: [scope] })), { session: [] }, ...devices],
        ])
        const who = new RegExp(`Who: the role \`${policy.role}\`.*\`${policy.scope.join('` or `')}\`.*sites.*\\.$`)
        expect([id, description]).toEqual([id, expect.stringMatching(who)])
      }
    }
    const tags = api.document.tags.map(({ name }) => name)
    expect(new Set(operations().flatMap(({ operation }) => operation.tags))).toEqual(new Set(tags))
    const ids = operations().map(({ operation }) => operation.operationId)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('lets no viewer write', () => {
    const writes = operations().filter(({ id }) => !id.startsWith('GET') && !beforeSignIn.includes(id))
    expect(writes.length).toBeGreaterThan(10)
    for (const { id, operation } of writes) {
      const policy = operation['x-pelbiot-policy']
      // What concerns their own account.
      if (policy !== 'public' && 'for' in policy) continue
      expect([id, policy]).toEqual([id, expect.objectContaining({ role: expect.stringMatching(/^(operator|admin)$/) })])
    }
  })

  test('names the problems of every operation', () => {
    for (const { id, operation } of operations()) {
      const problems = Object.entries(operation.responses)
        .filter(([, { content }]) => content && 'application/problem+json' in content)
        .map(([status]) => status)
      expect([id, problems]).toEqual([id, expect.arrayContaining(['400', '500'])])
      if (operation['x-pelbiot-policy'] !== 'public')
        expect([id, problems]).toEqual([id, expect.arrayContaining(['401', '403'])])
      if (operation.requestBody) expect([id, problems]).toEqual([id, expect.arrayContaining(['413', '415', '422'])])
    }
  })

  test('describes every parameter of every path', () => {
    for (const { id, operation } of operations()) {
      const inPath = [...id.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      expect([id, operation.parameters.filter((one) => one.in === 'path').map(({ name }) => name)]).toEqual([
        id,
        inPath,
      ])
    }
  })

  test('refers only to what it defines', () => {
    const text = JSON.stringify(api.document)
    const references = [...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name)
    expect(references.length).toBeGreaterThan(10)
    expect(Object.keys(api.document.components.schemas)).toEqual(expect.arrayContaining(references))
  })
})

test('the documentation page loads nothing from elsewhere', async () => {
  const page = await api.get('/docs', { key: null })
  expect(page.status).toBe(200)
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
  const sources = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source]) => source)
  expect(sources).toEqual(expect.arrayContaining(['/docs/page.js', '/docs/page.css']))
  for (const source of sources) expect((await api.get(source, { key: null })).status).toBe(200)
})
