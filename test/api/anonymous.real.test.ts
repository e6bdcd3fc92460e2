import { afterEach, expect, test } from 'vitest'
import { parseSiteId } from '../../model/index.ts'
import { type Harness, startApi } from './harness.ts'

let api: Harness
afterEach(() => api.stop())

const pages = ['/docs', '/docs/page.css', '/docs/page.js', '/openapi.json', '/metrics']
const statuses = (options: object) =>
  Promise.all(['/livez', ...pages].map(async (path) => (await api.request('GET', path, options)).status))

test('what tells nothing of anybody is open to anybody, unless the settings say otherwise', async () => {
  api = await startApi()
  expect(await statuses({ key: null })).toEqual([200, 200, 200, 200, 200, 200])
})

test('closed, documentation and metrics take a key or a session', async () => {
  api = await startApi({ anonymous: 'none' })
  expect(await statuses({ key: null })).toEqual([200, 401, 401, 401, 401, 401])
  expect(await statuses({ key: api.adminKey })).toEqual([200, 200, 200, 200, 200, 200])
  const { cookie } = await api.signIn({ role: 'viewer', sites: [parseSiteId('main')] })
  // Metrics are of every site.
  expect(await statuses({ cookie })).toEqual([200, 200, 200, 200, 200, 403])
})
