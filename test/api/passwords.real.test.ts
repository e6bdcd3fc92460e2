import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Harness, password, startApi } from './harness.ts'

let api: Harness
beforeAll(async () => {
  api = await startApi({ signInPerMin: 0 })
})
afterAll(() => api.stop())

const signIn = (email: string, typed: string) =>
  api.post('/api/v1/auth/sign-in', { email, password: typed }, { key: null })

test.each([
  ['of 128 characters', `${'meter '.repeat(21)}xx`],
  ['of digits', '90210443811927'],
  ['of other scripts, pictures and blanks at its ends', ' トランスフォーマー七台目🔌 '],
])('a password %s is taken as it is, and nothing that is nearly it', async (_, chosen) => {
  const { person, cookie } = await api.signIn()
  const body = { currentPassword: password, password: chosen }
  expect((await api.post('/api/v1/auth/password', body, { cookie })).status).toBe(204)
  for (const nearly of [chosen.slice(0, -1), chosen.trim().toUpperCase()].filter((one) => one !== chosen))
    expect([nearly, (await signIn(person.email, nearly)).status]).toEqual([nearly, 401])
  expect((await signIn(person.email, chosen)).status).toBe(200)
})

test('one of 129 characters is refused and not cut', async () => {
  const { cookie } = await api.signIn()
  const body = { currentPassword: password, password: `${'meter '.repeat(21)}xxx` }
  const { status, body: problem } = await api.post('/api/v1/auth/password', body, { cookie })
  expect([status, problem.errors]).toMatchObject([422, [{ field: 'password' }]])
})
