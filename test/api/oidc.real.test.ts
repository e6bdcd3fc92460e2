import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../app/demo/free-port.ts'
import { platformActor } from '../../store/state/index.ts'
import { type Harness, startApi } from './harness.ts'
import { client, startProvider, type TestProvider } from './oidc-provider.ts'

let api: Harness
let provider: TestProvider
beforeAll(async () => {
  const port = await freePort(18_080 + (process.pid % 10_000), '127.0.0.1')
  const publicUrl = `http://127.0.0.1:${port}`
  provider = await startProvider(`${publicUrl}/api/v1/auth/oidc/callback`)
  const oidc = { issuer: provider.issuer, clientId: client.id, clientSecret: client.secret, name: 'Gedung' }
  api = await startApi({ port, publicUrl, signInPerMin: 0, oidc })
  // So that the account library's clock, and the provider's, are ours.
  await api.signIn()
})
afterAll(async () => {
  await api.stop()
  await provider[Symbol.asyncDispose]()
})

/** A browser of few words: keeps cookies by host and path, follows redirects, and tells where it ended. */
async function browse(start: string, jar = new Map<string, string>(), stopAt?: RegExp) {
  let url = start
  for (let hop = 0; hop < 20; hop++) {
    if (stopAt?.test(url)) return { url, jar }
    const origin = new URL(url).origin
    const cookie = [...jar]
      .filter(([key]) => key.startsWith(origin))
      .map(([key, value]) => `${key.slice(origin.length + 1)}=${value}`)
    const response = await fetch(url, { redirect: 'manual', headers: { cookie: cookie.join('; ') } })
    for (const set of response.headers.getSetCookie()) {
      const [pair = ''] = set.split(';', 1)
      const at = pair.indexOf('=')
      if (/max-age=0|1970/i.test(set)) jar.delete(`${origin} ${pair.slice(0, at)}`)
      else jar.set(`${origin} ${pair.slice(0, at)}`, pair.slice(at + 1))
    }
    const location = response.headers.get('location')
    if (location === null) return { url, jar, response }
    url = new URL(location, url).href
    if (url.startsWith(`${api.url}/sign-in`) || url === `${api.url}/`) return { url, jar }
  }
  throw new Error(`too many redirects, at ${url}`)
}

const start = () => `${api.url}/api/v1/auth/oidc/start`
const sessionOf = (jar: Map<string, string>) => {
  const value = jar.get(`${api.url} pelbiot.session_token`)
  return value === undefined ? undefined : `pelbiot.session_token=${value}`
}

test('somebody who was invited comes in by the address that the provider has verified, and stays who they are', async () => {
  expect((await api.get('/api/v1/auth/methods', { key: null })).body).toEqual({ oidc: { name: 'Gedung' } })
  const person = await api.state.change(platformActor, (unit) =>
    unit.people.create({
      name: 'One',
      email: 'One@example.com',
      language: 'en',
      timeZone: null,
      role: 'operator',
      sites: 'all',
    }),
  )
  const { url, jar } = await browse(start())
  expect(url).toBe(`${api.url}/`)
  const cookie = sessionOf(jar)
  if (cookie === undefined) throw new Error('no session')
  expect((await api.get('/api/v1/auth/session', { cookie })).body).toMatchObject({
    id: person.id,
    role: 'operator',
    person: { state: 'active', signInWays: ['provider'] },
  })
  const { items } = await api.state.audit.list({ scope: 'all', limit: 10, resourceId: person.id })
  expect(items[0]).toMatchObject({ action: 'person.sign-in', after: { method: 'provider' } })
  // Of the provider's tokens nothing is kept.
  const { rows } = await sql<Record<string, unknown>>`select * from auth_accounts`.execute(api.state.accountTables)
  const kept = rows.filter((row) => row['person_id'] === person.id)
  expect(kept).toEqual([expect.objectContaining({ access_token: null, refresh_token: null, id_token: null })])

  // Known by their subject from now on, whatever address the provider tells.
  provider.user = { sub: 'one', email: 'renamed@example.com', verified: false }
  const again = await browse(start())
  expect((await api.get('/api/v1/auth/session', { cookie: sessionOf(again.jar) ?? '' })).body.id).toBe(person.id)
  await api.state.change(platformActor, (unit) => unit.people.update(person.id, { disabled: true }))
  const disabled = await browse(start())
  expect([disabled.url, sessionOf(disabled.jar)]).toEqual([
    `${api.url}/sign-in#error=unable_to_create_session`,
    undefined,
  ])
})

test.each([
  ['nobody here', { sub: 'two', email: 'stranger@example.com', verified: true }, 'signup_disabled'],
  [
    'an address that is not verified',
    { sub: 'three', email: 'victim@example.com', verified: false },
    'account_not_linked',
  ],
])('%s does not come in, and nobody is made', async (_, user, error) => {
  const victim = await api.state.people.findByEmail('victim@example.com')
  if (victim === undefined) await api.addPerson({ email: 'victim@example.com' })
  const before = (await api.get('/api/v1/people')).body.items.length
  provider.user = user
  const { url, jar } = await browse(start())
  expect([url, sessionOf(jar)]).toEqual([`${api.url}/sign-in#error=${error}`, undefined])
  expect((await api.get('/api/v1/people')).body.items).toHaveLength(before)
})

test('what comes back is taken once, and only from the browser that was sent', async () => {
  await api.addPerson({ email: 'four@example.com' })
  provider.user = { sub: 'four', email: 'four@example.com', verified: true }
  const callback = new RegExp(`^${api.url}/api/v1/auth/oidc/callback`)
  const sent = await browse(start(), new Map(), callback)
  const stolen = await browse(sent.url)
  expect([stolen.url, sessionOf(stolen.jar)]).toEqual([`${api.url}/sign-in#error=state_mismatch`, undefined])
  const own = await browse(sent.url, sent.jar)
  expect(own.url).toBe(`${api.url}/`)
  const replayed = await browse(sent.url, sent.jar)
  expect(replayed.url).toMatch(/\/sign-in#error=/)
  for (const query of ['', '?code=x', '?state=x&code=y', '?error=access_denied', '?error=%3Cscript%3E&state=x'])
    expect((await browse(`${api.url}/api/v1/auth/oidc/callback${query}`)).url).toMatch(/\/sign-in#error=[a-z_]+$/)
})
