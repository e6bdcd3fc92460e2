import { afterEach, beforeEach, expect, test } from 'vitest'
import { cookieOf, type Harness, password, startApi, startMs } from './harness.ts'
import { createTotpApp } from './totp-app.ts'

let api: Harness
beforeEach(async () => {
  api = await startApi({ signInPerMin: 0 })
})
afterEach(() => api.stop())

const auth = '/api/v1/auth'
const anybody = { key: null }

/** Somebody with an authenticator app. */
async function withApp() {
  const { person, cookie } = await api.signIn()
  const begun = await api.post(`${auth}/totp`, { password }, { cookie })
  expect(begun.status).toBe(200)
  const code = createTotpApp(begun.body.uri)
  const confirmed = await api.post(`${auth}/totp/confirm`, { code: await code() }, { cookie })
  expect(confirmed.status).toBe(204)
  return { person, old: cookie, cookie: cookieOf(confirmed), code, recoveryCodes: begun.body.recoveryCodes as string[] }
}

async function firstStep(email: string) {
  const answer = await api.post(`${auth}/sign-in`, { email, password }, anybody)
  expect([answer.status, answer.body]).toEqual([200, { state: 'code-needed', person: null }])
  return cookieOf(answer)
}
const secondStep = (cookie: string, body: object) => api.post(`${auth}/sign-in/code`, body, { cookie })

test('a code is asked for once the app is confirmed, and the password alone opens nothing', async () => {
  const { person, old, cookie, code } = await withApp()
  expect((await api.get(`${auth}/session`, { cookie: old })).status).toBe(401)
  expect((await api.get(`${auth}/session`, { cookie })).body.person).toMatchObject({ secondFactor: true })
  const half = await firstStep(person.email)
  expect((await api.get(`${auth}/session`, { cookie: half })).status).toBe(401)
  api.setTime(startMs + 60_000)
  const done = await secondStep(half, { code: await code() })
  expect([done.status, done.body.state]).toEqual([200, 'signed-in'])
  expect((await api.get(`${auth}/session`, { cookie: cookieOf(done) })).body.id).toBe(person.id)
})

test('a code is good once, also in its own half minute', async () => {
  const { person, code } = await withApp()
  const confirmed = await code()
  const replayed = await secondStep(await firstStep(person.email), { code: confirmed })
  expect([replayed.status, replayed.body.detail]).toEqual([401, expect.stringContaining('begin again')])
  api.setTime(startMs + 60_000)
  const next = await code()
  expect((await secondStep(await firstStep(person.email), { code: next })).status).toBe(200)
  const again = await secondStep(await firstStep(person.email), { code: next })
  expect([again.status, again.headers.getSetCookie()]).toEqual([401, []])
  const two = await Promise.all([firstStep(person.email), firstStep(person.email)])
  api.setTime(startMs + 120_000)
  const fresh = await code()
  const statuses = await Promise.all(two.map(async (half) => (await secondStep(half, { code: fresh })).status))
  expect(statuses.sort()).toEqual([200, 401])
})

test('wrong codes end the sign-in, and then the second factor waits', async () => {
  const { person, code } = await withApp()
  api.setTime(startMs + 60_000)
  const half = await firstStep(person.email)
  const right = await code()
  const wrong = (i: number) => String((Number(right) + 1 + i) % 1_000_000).padStart(6, '0')
  for (let i = 0; i < 5; i++) expect((await secondStep(half, { code: wrong(i) })).status).toBe(401)
  expect((await secondStep(half, { code: right })).status).toBe(401)
  const other = await firstStep(person.email)
  for (let i = 5; i < 10; i++) expect((await secondStep(other, { code: wrong(i) })).status).toBe(401)
  expect((await secondStep(await firstStep(person.email), { code: right })).status).toBe(429)
  // Somebody has the password: that is to be seen.
  const { items } = (await api.get(`/api/v1/audit?resourceId=${person.id}&action=person.refuse-sign-in`)).body
  expect(items.length).toBeGreaterThanOrEqual(10)
})

test('a session of one visit does not become a longer one with the second factor', async () => {
  const { person } = await api.signIn()
  const cookie = cookieOf(await api.post(`${auth}/sign-in`, { email: person.email, password }, anybody))
  const begun = await api.post(`${auth}/totp`, { password }, { cookie })
  api.setTime(startMs + 3_600_000)
  const code = await createTotpApp(begun.body.uri)()
  const confirmed = cookieOf(await api.post(`${auth}/totp/confirm`, { code }, { cookie }))
  const session = async (of: string) => (await api.get(`${auth}/session`, { cookie: of })).body.session
  expect((await session(confirmed)).expiresAt).toBe('2026-11-24T10:00:00.000Z')
  const disabled = cookieOf(await api.post(`${auth}/totp/disable`, { password }, { cookie: confirmed }))
  expect((await session(disabled)).expiresAt).toBe('2026-11-24T10:00:00.000Z')
})

test('a recovery code is good once, and new ones take the place of the old', async () => {
  const { person, cookie, recoveryCodes } = await withApp()
  const [one = '', two = '', three = ''] = recoveryCodes
  expect(recoveryCodes).toEqual(recoveryCodes.map(() => expect.stringMatching(/^[0-9A-Z]{4}(-[0-9A-Z]{4}){5}$/)))
  expect((await secondStep(await firstStep(person.email), { recoveryCode: one })).status).toBe(200)
  expect((await secondStep(await firstStep(person.email), { recoveryCode: one })).status).toBe(401)
  // However it is typed.
  const typed = three.toLowerCase().replaceAll('-', ' ')
  expect((await secondStep(await firstStep(person.email), { recoveryCode: typed })).status).toBe(200)
  expect((await api.post(`${auth}/totp/recovery-codes`, { password: 'wrong' }, { cookie })).status).toBe(422)
  expect((await api.post(`${auth}/totp/recovery-codes`, { password }, { cookie })).body.recoveryCodes).toHaveLength(10)
  expect((await secondStep(await firstStep(person.email), { recoveryCode: two })).status).toBe(401)
})

test('it takes the password to enable and to disable it, and an admin helps who has lost it', async () => {
  const { person, cookie } = await withApp()
  expect((await api.post(`${auth}/totp`, { password: 'wrong password' }, { cookie })).status).toBe(422)
  expect((await api.post(`${auth}/totp`, { password }, { cookie })).status).toBe(409)
  expect((await api.post(`${auth}/totp/disable`, { password: 'wrong password' }, { cookie })).status).toBe(422)
  expect((await api.request('DELETE', `/api/v1/people/${person.id}/totp`)).status).toBe(204)
  expect((await api.get(`${auth}/session`, { cookie })).status).toBe(401)
  const answer = await api.post(`${auth}/sign-in`, { email: person.email, password }, anybody)
  expect(answer.body.state).toBe('signed-in')
  expect((await api.request('DELETE', `/api/v1/people/${person.id}/totp`)).status).toBe(409)
  const { items } = (await api.get(`/api/v1/audit?resourceId=${person.id}`)).body
  expect(items.map(({ action }: { action: string }) => action)).toContain('second-factor.remove')
})

test('a password is changed by who knows it, and sessions elsewhere end', async () => {
  const { person, cookie } = await api.signIn()
  const elsewhere = cookieOf(await api.post(`${auth}/sign-in`, { email: person.email, password }, anybody))
  const change = (currentPassword: string, next: string) =>
    api.post(`${auth}/password`, { currentPassword, password: next }, { cookie })
  expect((await change('wrong', 'another long secret')).body.errors).toMatchObject([{ field: 'currentPassword' }])
  expect((await api.get(`${auth}/sessions`, { cookie })).body.items).toHaveLength(2)
  expect((await change(password, 'another long secret')).status).toBe(204)
  expect((await api.get(`${auth}/session`, { cookie: elsewhere })).status).toBe(401)
  const { items } = (await api.get(`${auth}/sessions`, { cookie })).body
  expect(items).toMatchObject([{ current: true }])
  expect((await api.request('DELETE', `${auth}/sessions/nothing`, { cookie })).status).toBe(404)
  expect((await api.request('DELETE', `${auth}/sessions/${items[0].id}`, { cookie })).status).toBe(204)
  expect((await api.get(`${auth}/session`, { cookie })).status).toBe(401)
})
