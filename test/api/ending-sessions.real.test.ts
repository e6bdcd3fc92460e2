import { afterEach, beforeEach, expect, test } from 'vitest'
import { cookieOf, type Harness, password, startApi, startMs } from './harness.ts'

let api: Harness
beforeEach(async () => {
  api = await startApi()
})
afterEach(() => api.stop())

const sessions = '/api/v1/auth/sessions'
const end = (cookie: string, path = '') => api.request('DELETE', `${sessions}${path}`, { cookie })

test('other sessions are ended by a fresh one only, its own by each', async () => {
  const { person, cookie: first } = await api.signIn()
  api.setTime(startMs + 60_000)
  const signedIn = await api.post('/api/v1/auth/sign-in', { email: person.email, password }, { key: null })
  const second = cookieOf(signedIn)
  const ids = async (cookie: string) =>
    ((await api.get(sessions, { cookie })).body.items as { id: string; current: boolean }[]).map((one) => one)
  const other = (await ids(second)).find(({ current }) => !current)?.id
  api.setTime(startMs + 16 * 60_000 + 1)

  const refused = [await end(second), await end(second, `/${other}`)]
  expect(refused.map(({ status, body }) => [status, body.code])).toEqual([
    [403, 'fresh_sign_in_needed'],
    [403, 'fresh_sign_in_needed'],
  ])
  expect(await ids(second)).toHaveLength(2)

  const fresh = cookieOf(await api.post('/api/v1/auth/sign-in', { email: person.email, password }, { key: null }))
  expect((await end(fresh, `/${other}`)).status).toBe(204)
  expect((await api.get(sessions, { cookie: first })).status).toBe(401)
  const own = (await ids(second)).find(({ current }) => current)?.id
  expect((await end(second, `/${own}`)).status).toBe(204)
  expect((await end(fresh)).status).toBe(204)
  expect(await ids(fresh)).toHaveLength(1)
})
