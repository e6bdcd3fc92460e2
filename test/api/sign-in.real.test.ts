import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { cookieOf, type Harness, password, startApi, startMs } from './harness.ts'

let api: Harness
beforeEach(async () => {
  api = await startApi()
  // So that the account library's clock is ours.
  await api.signIn()
})
afterEach(() => api.stop())

const dayMs = 86_400_000
const path = '/api/v1/auth/sign-in'
const signIn = (email: string, typed = password, options = {}) =>
  api.post(path, { email, password: typed }, { key: null, ...options })
const who = (cookie: string) => api.get('/api/v1/auth/session', { cookie })
const actions = async (resourceId: string) => {
  const { items } = await api.state.audit.list({ scope: 'all', limit: 100, resourceId })
  return items.map(({ action, principalKind, principalId }) => `${action} by ${principalKind} ${principalId}`)
}

describe('signing in', () => {
  test('gives a session that is for browsers and for nobody else to read', async () => {
    const person = await api.addPerson({ role: 'operator', sites: 'all', name: 'Ani' })
    const answer = await signIn(person.email)
    expect([answer.status, answer.body]).toMatchObject([200, { state: 'signed-in', person: { id: person.id } }])
    const [cookie, ...more] = answer.headers.getSetCookie()
    expect(cookie).toMatch(/^pelbiot\.session_token=[^;]+; Path=\/; HttpOnly; SameSite=Strict$/)
    expect(more).toEqual([expect.stringMatching(/^pelbiot\.dont_remember=[^;]+; Path=\/; HttpOnly; SameSite=Strict$/)])
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(JSON.stringify(answer.body)).not.toContain(cookieOf(answer).slice(22, 40))

    expect((await who(cookieOf(answer))).body).toMatchObject({
      kind: 'person',
      id: person.id,
      name: 'Ani',
      role: 'operator',
      sites: 'all',
      scopes: [],
      person: { email: person.email, state: 'active', lastSignInAt: '2026-11-23T10:00:00.000Z' },
      session: { createdAt: '2026-11-23T10:00:00.000Z' },
    })
    expect(await actions(person.id)).toContain(`person.sign-in by person ${person.id}`)
  })

  test('takes the address however it is written', async () => {
    await api.addPerson({ email: 'Budi.Santoso@Example.com' })
    expect((await signIn('budi.SANTOSO@example.COM')).status).toBe(200)
  })

  test('answers alike whatever is wrong', async () => {
    const admin = await api.addPerson({ role: 'admin' })
    const disabled = await api.addPerson()
    await api.request('GET', '/livez')
    await api.state.change(actor(admin.id), (unit) => unit.people.update(disabled.id, { disabled: true }))
    const invited = await api.state.change(actor(admin.id), (unit) =>
      unit.people.create({
        name: 'I',
        email: 'invited@example.com',
        language: 'en',
        timeZone: null,
        role: 'viewer',
        sites: 'all',
      }),
    )
    const answers = await Promise.all([
      signIn('nobody@example.com'),
      signIn('not an address'),
      signIn(admin.email, 'wrong horse battery'),
      signIn(disabled.email),
      signIn(invited.email),
    ])
    const shown = answers.map(({ status, headers, body: { requestId: _, ...body } }) => {
      return { status, body, cookies: headers.getSetCookie() }
    })
    expect(shown[0]).toMatchObject({ status: 401, cookies: [], body: { code: 'unauthenticated' } })
    for (const one of shown) expect(one).toEqual(shown[0])
  })

  test('takes nothing but what it names', async () => {
    const { email } = await api.addPerson()
    const body = { email, password, role: 'admin', rememberMe: true, callbackURL: 'https://evil.example' }
    const { status, body: problem } = await api.post(path, body, { key: null })
    expect([status, problem.errors.map(({ field }: { field: string }) => field)]).toEqual([
      422,
      ['role', 'rememberMe', 'callbackURL'],
    ])
  })

  test('makes a session of its own, and ends the one that the browser had', async () => {
    const { cookie } = await api.signIn()
    const victim = await api.addPerson()
    const answer = await signIn(victim.email, password, { cookie })
    expect(answer.status).toBe(200)
    expect(cookieOf(answer)).not.toContain(cookie.split(';')[0])
    expect((await who(cookieOf(answer))).body.id).toBe(victim.id)
    expect((await who(cookie)).status).toBe(401)
  })

  test('is not done by a page elsewhere', async () => {
    const { email } = await api.addPerson()
    const from = (headers: Record<string, string>) => signIn(email, password, { headers })
    expect((await from({ origin: 'https://evil.example' })).status).toBe(403)
    expect((await from({ origin: 'null' })).status).toBe(403)
    expect((await from({ 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await from({ 'sec-fetch-site': 'same-site', origin: 'http://other.localhost' })).status).toBe(403)
    expect((await from({ origin: api.url, 'sec-fetch-site': 'same-origin' })).status).toBe(200)
    expect((await from({})).status).toBe(200)
  })
})

describe('a session', () => {
  test('opens what the role opens, and what is taken away is away at once', async () => {
    const { person, cookie } = await api.signIn({ role: 'admin' })
    await api.addPerson({ role: 'admin' })
    const device = { id: 'meter-1', profileId: 'meter-1ph' }
    expect((await api.post('/api/v1/devices', device, { cookie })).status).toBe(201)
    expect(await actions('meter-1')).toEqual([`device.create by person ${person.id}`])

    const change = (patch: object) => api.state.change(actor('x'), (unit) => unit.people.update(person.id, patch))
    await change({ role: 'viewer' })
    expect((await api.post('/api/v1/devices', { ...device, id: 'meter-2' }, { cookie })).status).toBe(403)
    await change({ sites: [] })
    expect((await api.get('/api/v1/devices', { cookie })).body.items).toEqual([])
    await change({ disabled: true })
    expect((await who(cookie)).status).toBe(401)
    await change({ disabled: false })
    expect((await who(cookie)).status).toBe(401)
  })

  test('ends with the person', async () => {
    const { person, cookie } = await api.signIn()
    await api.state.change(actor('x'), (unit) => unit.people.remove(person.id))
    expect((await who(cookie)).status).toBe(401)
  })

  test('ends when it is signed out, for whoever has copied it too', async () => {
    const { person, cookie } = await api.signIn()
    const answer = await api.request('POST', '/api/v1/auth/sign-out', { cookie })
    expect(answer.status).toBe(204)
    expect(answer.headers.getSetCookie()).toContainEqual(expect.stringMatching(/^pelbiot\.session_token=; Max-Age=0;/))
    expect(answer.headers.get('clear-site-data')).toBe('"cache", "storage"')
    expect((await who(cookie)).status).toBe(401)
    expect((await api.request('POST', '/api/v1/auth/sign-out', { cookie })).status).toBe(401)
    expect((await actions(person.id))[0]).toBe(`person.sign-out by person ${person.id}`)
  })

  test('is worth nothing when a bit of it is wrong', async () => {
    const { cookie } = await api.signIn()
    const [, token = '', signature = ''] = /=([^.]+)\.([^;]+)/.exec(cookie) ?? []
    const other = (text: string) => text.replace(/^./, (first) => (first === 'x' ? 'y' : 'x'))
    const forged = [token, `${token}.`, `${token}.${other(signature)}`, `${other(token)}.${signature}`]
    for (const value of [...forged, '', '.', '%', 'undefined', 'null'])
      expect([value, (await who(`pelbiot.session_token=${value}`)).status]).toEqual([value, 401])
    expect((await who(cookie)).status).toBe(200)
  })

  test('changes something only for pages of the platform', async () => {
    const { cookie } = await api.signIn({ role: 'admin' })
    const body = { id: 'x', profileId: 'meter-1ph' }
    const from = async (headers: Record<string, string>) => {
      return (await api.post('/api/v1/devices', body, { key: null, headers: { cookie, ...headers } })).status
    }
    for (const origin of ['https://evil.example', 'null', `${api.url}.evil.example`, 'http://127.0.0.1:1'])
      expect([origin, await from({ origin })]).toEqual([origin, 403])
    expect(await from({})).toBe(403)
    expect(await from({ 'sec-fetch-site': 'same-site' })).toBe(403)
    expect(await from({ referer: `${api.url}/` })).toBe(403)
    expect((await api.get('/api/v1/devices', { key: null, headers: { cookie } })).status).toBe(200)
    expect(await from({ 'sec-fetch-site': 'same-origin' })).toBe(201)
  })

  test('is not looked at beside a key, which needs no page', async () => {
    const { cookie } = await api.signIn()
    const headers = { cookie, origin: 'https://evil.example' }
    expect((await api.post('/api/v1/devices', { id: 'k', profileId: 'meter-1ph' }, { headers })).status).toBe(201)
    expect((await api.get('/api/v1/auth/session', { headers })).body.kind).toBe('key')
    expect((await api.get('/api/v1/devices', { key: 'wrong', headers })).status).toBe(401)
  })

  test('lives on while it is used, a week without', async () => {
    const { cookie } = await api.signIn()
    api.setTime(startMs + dayMs / 2)
    expect((await who(cookie)).headers.getSetCookie()).toEqual([])
    api.setTime(startMs + 6 * dayMs)
    const renewed = await who(cookie)
    expect(renewed.headers.getSetCookie()).toEqual([expect.stringMatching(/^pelbiot\.session_token=.*Max-Age=604800;/)])
    expect(cookieOf(renewed)).toBe(cookie)
    expect(renewed.body.session.expiresAt).toBe('2026-11-30T10:00:00.000Z')
    expect((await who(cookie)).body.session.expiresAt).toBe('2026-12-06T10:00:00.000Z')
    api.setTime(startMs + 12 * dayMs)
    expect((await who(cookie)).status).toBe(200)
    api.setTime(startMs + 19 * dayMs)
    expect((await who(cookie)).status).toBe(401)
  })

  test('for this visit only ends after a day', async () => {
    const person = await api.addPerson()
    const cookie = cookieOf(await signIn(person.email))
    api.setTime(startMs + dayMs - 1)
    const last = await who(cookie)
    expect([last.status, last.headers.getSetCookie()]).toEqual([200, []])
    api.setTime(startMs + dayMs)
    expect((await who(cookie)).status).toBe(401)
  })

  test('for this visit only is not stretched by who has copied one cookie and leaves out the other', async () => {
    const { person } = await api.signIn()
    const [copied = ''] = cookieOf(await signIn(person.email)).split('; ')
    expect(copied).toMatch(/^pelbiot\.session_token=/)
    api.setTime(startMs + dayMs / 2)
    const wrong = { password: 'not the password' }
    expect((await api.post('/api/v1/auth/totp', wrong, { cookie: copied })).status).toBe(422)
    const used = await who(copied)
    expect([used.headers.getSetCookie(), used.body.session.expiresAt]).toEqual([[], '2026-11-24T10:00:00.000Z'])
    api.setTime(startMs + dayMs)
    expect((await who(copied)).status).toBe(401)
  })

  test('lives on while it is used where that is a day', async () => {
    await api.stop()
    api = await startApi({ sessionDays: 1 })
    const { cookie } = await api.signIn()
    for (const days of [0.7, 1.4, 2.1]) {
      api.setTime(startMs + days * dayMs)
      expect([days, (await who(cookie)).status]).toEqual([days, 200])
    }
    api.setTime(startMs + 3.2 * dayMs)
    expect((await who(cookie)).status).toBe(401)
  })
})

describe('guessing', () => {
  test('makes the guesser wait, and not whom it is about', async () => {
    const person = await api.addPerson()
    const guess = async (from: string, typed: string) => {
      return signIn(person.email, typed, { headers: { 'x-forwarded-for': from } })
    }
    await api.stop()
    api = await startApi({ trustedProxies: '127.0.0.1' })
    const { email, id } = await api.addPerson({ email: person.email })
    expect(email).toBe(person.email)
    for (let i = 0; i < 5; i++) expect((await guess('203.0.113.5', `wrong password ${i}`)).status).toBe(401)
    const late = await guess('203.0.113.5', password)
    expect([late.status, late.body.code]).toEqual([429, 'rate_limited'])
    expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await guess('203.0.113.5', password)).status).toBe(429)
    expect((await guess('203.0.113.6', password)).status).toBe(200)
    expect(await actions(id)).toContain('person.refuse-sign-in by platform sign-in')
    // Of nobody the same.
    for (let i = 0; i < 5; i++)
      await signIn('nobody@example.com', 'x', { headers: { 'x-forwarded-for': '203.0.113.7' } })
    expect((await signIn('nobody@example.com', 'x', { headers: { 'x-forwarded-for': '203.0.113.7' } })).status).toBe(
      429,
    )
  })

  test('is not what somebody does who mistypes and gets it right', async () => {
    const { email } = await api.addPerson()
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 4; i++) expect((await signIn(email, 'mistyped it again')).status).toBe(401)
      expect((await signIn(email)).status).toBe(200)
    }
  })

  test('at one account after the other ends too, and guesses made at once are all counted', async () => {
    // One was used up by who signed in before this test.
    const accounts = Array.from({ length: 60 }, (_, i) => `person${i}@example.org`)
    const statuses: number[] = []
    for (let i = 0; i < accounts.length; i += 10) {
      const batch = accounts.slice(i, i + 10).map((email) => signIn(email, 'Password123456'))
      statuses.push(...(await Promise.all(batch)).map(({ status }) => status))
    }
    expect(statuses.filter((status) => status === 401)).toHaveLength(49)
    expect(statuses.filter((status) => status === 429)).toHaveLength(11)

    const { email } = await api.addPerson()
    await api.stop()
    api = await startApi()
    await api.addPerson({ email })
    const atOnce = await Promise.all(Array.from({ length: 20 }, (_, i) => signIn(email, `guess number ${i}`)))
    expect(atOnce.filter(({ status }) => status === 401)).toHaveLength(5)
  })

  test('is counted', async () => {
    await signIn('nobody@example.com')
    const { body } = await api.get('/metrics', { key: null })
    expect(body).toMatch(/^pelbiot_sign_ins_total\{step="password",outcome="refused"\} 1$/m)
    expect(body).toMatch(/^pelbiot_sign_ins_total\{step="password",outcome="signed-in"\} 1$/m)
  })
})

test('over TLS the cookie is bound to it and to this host', async () => {
  await api.stop()
  api = await startApi({ publicUrl: 'https://pelbiot.example.com' })
  const { cookie } = await api.signIn()
  expect(cookie).toMatch(/^__Host-pelbiot\.session_token=/)
  const answer = await signIn((await api.addPerson()).email)
  for (const set of answer.headers.getSetCookie())
    expect(set).toMatch(/^__Host-.*; Path=\/; HttpOnly; Secure; SameSite=Strict$/)
  expect((await who(cookie)).status).toBe(200)
  expect((await who(cookie.replace('__Host-', ''))).status).toBe(401)
  const from = (origin: string) =>
    api.request('POST', '/api/v1/auth/sign-out', { key: null, headers: { cookie, origin } })
  expect((await from('https://evil.example.com')).status).toBe(403)
  expect((await from('https://pelbiot.example.com')).status).toBe(204)
})

test('a key sees itself too', async () => {
  const { body } = await api.get('/api/v1/auth/session')
  expect(body).toMatchObject({ kind: 'key', name: 'admin', role: 'admin', person: null, session: null })
})

function actor(id: string) {
  return { principal: { kind: 'person', id, role: 'admin', sites: 'all' }, requestId: null, address: null } as const
}
