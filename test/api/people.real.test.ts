import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { renderAccountMessage } from '../../notifier/message.ts'
import { type AccountMailAbout, commandLineKeySetting, platformActor } from '../../store/state/index.ts'
import { waitUntil } from '../setup/wait.ts'
import { type Harness, password, startApi, startMs } from './harness.ts'

let api: Harness
let commandLine: string
beforeAll(async () => {
  api = await startApi({ signInPerMin: 0, publicUrl: 'http://pelbiot.example.com' })
  commandLine = await api.issueKey({ name: 'command line', role: 'admin' })
  const credential = await api.state.credentials.verify(commandLine)
  await api.state.change(platformActor, (unit) => unit.settings.set(commandLineKeySetting, credential?.id ?? ''))
})
afterAll(() => api.stop())

const hourMs = 3_600_000
const good = 'a rather long secret'
const anybody = { key: null }
const signIn = (email: string, typed: string) => api.post('/api/v1/auth/sign-in', { email, password: typed }, anybody)
const redeem = (token: string, typed = good) =>
  api.post('/api/v1/auth/link/password', { token, password: typed }, anybody)
const invite = async (email: string, more = {}) => {
  return api.post(
    '/api/v1/people',
    { name: 'Citra', email, role: 'operator', link: true, ...more },
    { key: commandLine },
  )
}

describe('the first admin', () => {
  const setUp = (token: string, more = {}) =>
    api.post('/api/v1/auth/set-up', { token, name: 'Ani', email: 'ani@example.com', password: good, ...more }, anybody)
  const issue = (lifeMs: number) => api.state.change(platformActor, (unit) => unit.links.issue('setup', null, lifeMs))

  test('comes in by the link of the first start, once, and in time', async () => {
    const late = await issue(hourMs)
    api.setTime(startMs + hourMs)
    expect((await setUp(late.token)).status).toBe(422)
    api.setTime(startMs)
    const { token } = await issue(hourMs)
    expect((await api.post('/api/v1/auth/link', { token }, anybody)).body).toMatchObject({
      purpose: 'setup',
      email: null,
    })
    expect((await redeem(token)).status).toBe(422)
    expect((await setUp(token, { role: 'viewer' })).status).toBe(422)
    for (const weak of [
      'short',
      'aaaaaaaaaaaaaaaa',
      'pelbiot-2026-pelbiot',
      'ani@example.com1',
      'Password123456',
      'manchesterunited',
    ])
      expect([weak, (await setUp(token, { password: weak })).status]).toEqual([weak, 422])
    const made = await setUp(token)
    expect([made.status, made.body]).toMatchObject([201, { role: 'admin', sites: 'all', state: 'active' }])
    expect((await setUp(token, { email: 'b@example.com' })).status).toBe(422)
    expect((await signIn('ani@example.com', good)).status).toBe(200)
  })

  test('is the only one who comes in so', async () => {
    const { token } = await issue(hourMs)
    expect((await setUp(token, { email: 'c@example.com' })).status).toBe(409)
  })
})

describe('a link', () => {
  test('sets a password once, for its own person and nobody else', async () => {
    const { status, body } = await invite('citra@example.com')
    expect([status, body]).toMatchObject([201, { state: 'invited', role: 'operator', signInWays: [] }])
    const other = await invite('other@example.com')
    const seen = await api.post('/api/v1/auth/link', { token: body.token }, anybody)
    expect(seen.body).toMatchObject({ purpose: 'invitation', email: 'citra@example.com', name: 'Citra' })
    const mixed = body.token.slice(0, 21) + other.body.token.slice(21)
    for (const token of [mixed, `${body.token}x`, 'pel_link_', 'x']) expect((await redeem(token)).status).toBe(422)
    expect((await redeem(body.token)).body).toMatchObject({ id: body.id, state: 'active' })
    const again = await redeem(body.token, 'another long secret')
    expect([again.status, again.body.errors]).toMatchObject([422, [{ field: 'token' }]])
    expect((await signIn('citra@example.com', good)).status).toBe(200)
    expect((await signIn('citra@example.com', 'another long secret')).status).toBe(401)
  })

  test('ends when it expires, when the person is disabled, and sessions end with a new password', async () => {
    const { person, cookie } = await api.signIn()
    const make = async () => (await api.request('POST', `/api/v1/people/${person.id}/link`, { key: commandLine })).body
    const late = await make()
    api.setTime(startMs + 7 * 24 * hourMs)
    expect((await redeem(late.token)).status).toBe(422)
    api.setTime(startMs)
    const dead = await make()
    for (const disabled of [true, false])
      await api.request('PATCH', `/api/v1/people/${person.id}`, { body: { disabled } })
    expect((await redeem(dead.token)).status).toBe(422)
    expect((await api.get('/api/v1/auth/session', { cookie })).status).toBe(401)

    const second = await api.signIn()
    const path = `/api/v1/people/${second.person.id}/link`
    const { token } = (await api.request('POST', path, { key: commandLine })).body
    expect((await redeem(token)).status).toBe(200)
    expect((await api.get('/api/v1/auth/session', { cookie: second.cookie })).status).toBe(401)
    expect((await signIn(second.person.email, password)).status).toBe(401)
    const log = JSON.stringify((await api.get('/api/v1/audit?limit=1000')).body)
    expect(log).not.toContain(token)
    expect(log).not.toContain(good)
  })

  test('is answered to the command line of the machine alone', async () => {
    const { person, cookie } = await api.signIn({ role: 'admin' })
    const path = `/api/v1/people/${person.id}/link`
    expect((await api.request('POST', path)).status).toBe(403)
    expect((await api.request('POST', path, { cookie })).status).toBe(403)
    const named = await api.issueKey({ name: 'command line', role: 'admin' })
    expect((await api.request('POST', path, { key: named })).status).toBe(403)
    const body = { name: 'D', email: 'd@example.com', role: 'viewer' }
    expect((await api.post('/api/v1/people', { ...body, link: true }, { cookie })).status).toBe(403)
    expect((await api.post('/api/v1/people', { ...body, password: good }, { cookie })).status).toBe(403)
  })
})

describe('mails about accounts', () => {
  const mails = async (recipient: string) => {
    const { items } = (await api.get(`/api/v1/notifications?recipient=${encodeURIComponent(recipient)}`)).body
    return items.map(({ kind }: { kind: string }) => kind)
  }

  test('invite, and tell of a new password, and their links are shown to nobody else', async () => {
    const { cookie } = await api.signIn({ role: 'admin' })
    const added = await api.post('/api/v1/people', { name: 'G', email: 'g@example.com', role: 'viewer' }, { cookie })
    expect([added.status, added.body.token, await mails('g@example.com')]).toEqual([201, null, ['invitation']])
    const queued = (await api.state.deliveries.due(startMs, 100)).find(({ recipient }) => recipient === 'g@example.com')
    if (queued === undefined) throw new Error('nothing is queued')
    const about = await api.state.accountMails.about(queued)
    const token = about?.link?.token ?? ''
    const { sent, kept } = await renderAccountMessage({ from, publicUrl: 'http://pelbiot.example.com' }, queued, {
      ...(about as AccountMailAbout),
    })
    expect(textOf(sent.bytes)).toContain(`http://pelbiot.example.com/sign-in#token=${token}`)
    expect(textOf(kept.bytes)).not.toContain(token)
    await api.state.deliveries.saveMessage(queued.id, kept)
    const shown = await api.get(`/api/v1/notifications/${queued.id}/message`)
    expect(textOf(Buffer.from(shown.body))).not.toContain('pel_link_')

    expect((await redeem(token)).status).toBe(200)
    expect(await api.state.accountMails.about(queued)).toBeUndefined()
    expect(await mails('g@example.com')).toEqual(['invitation'])
    expect((await api.request('POST', `/api/v1/people/${added.body.id}/invitation`, { cookie })).status).toBe(202)
    expect(await mails('g@example.com')).toEqual(['password-reset', 'invitation'])
  })

  test('are seen by those who may see the people, and by nobody else', async () => {
    const { cookie } = await api.signIn({ role: 'admin' })
    await api.post('/api/v1/people', { name: 'H', email: 'h@example.com', role: 'viewer' }, { cookie })
    const [mail] = (await api.get('/api/v1/notifications?recipient=h@example.com')).body.items
    const key = (input: object) => api.issueKey({ role: 'admin', ...input })
    const seenBy = async (key: string) => {
      const { items } = (await api.get('/api/v1/notifications?recipient=h@example.com', { key })).body
      const parts = ['', '/message', '/attempts'].map((part) =>
        api.get(`/api/v1/notifications/${mail.id}${part}`, { key }),
      )
      return [items.length, (await Promise.all(parts)).some(({ status }) => status === 200)]
    }
    for (const narrow of [{ role: 'viewer' }, { role: 'operator' }, { scopes: ['notifications:read'] }])
      expect([narrow, ...(await seenBy(await key(narrow)))]).toEqual([narrow, 0, false])
    expect(await seenBy(await key({ scopes: ['notifications:read', 'people:read'] }))).toEqual([1, true])
    const operator = await key({ role: 'operator' })
    expect((await api.request('POST', `/api/v1/notifications/${mail.id}/resend`, { key: operator })).status).toBe(404)
  })

  test('for a new password are asked for by anybody, and nobody learns who has an account', async () => {
    const { email } = await api.addPerson()
    const ask = (address: string) => api.post('/api/v1/auth/password-reset', { email: address }, anybody)
    const answers = [await ask(email), await ask('nobody@example.com'), await ask('no address')]
    for (const { status, body } of answers) expect([status, body]).toEqual([202, {}])
    for (let i = 0; i < 4; i++) await ask(email.toUpperCase())
    await waitUntil('three mails', async () => (await mails(email)).length === 3)
    expect(await mails('nobody@example.com')).toEqual([])
  })
})

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString()
    .replaceAll(/=\r?\n/g, '')
    .replaceAll('=3D', '=')
}

const from = { name: 'PELBIoT', address: 'pelbiot@example.com' }

describe('people', () => {
  test('are changed by admins of all sites, with keys that are not narrowed', async () => {
    const { cookie } = await api.signIn({ role: 'admin' })
    const added = await api.post(
      '/api/v1/people',
      { name: 'Eka', email: 'eka@example.com', role: 'viewer' },
      { cookie },
    )
    expect([added.status, added.body.token]).toEqual([201, null])
    const path = `/api/v1/people/${added.body.id}`
    const patch = { role: 'operator', sites: ['main'], language: 'id', timeZone: 'Asia/Jakarta' }
    expect((await api.request('PATCH', path, { cookie, body: patch })).body).toMatchObject(patch)
    const wrong = { sites: ['mian'], timeZone: 'Mars/Olympus', email: 'x@example.com', id: 'x' }
    expect((await api.request('PATCH', path, { cookie, body: wrong })).status).toBe(422)
    expect((await api.request('PATCH', path, { cookie, body: { sites: ['mian'] } })).body.errors).toMatchObject([
      { field: 'sites.0' },
    ])
    const narrowed = await api.issueKey({ role: 'admin', scopes: ['people:write'] })
    expect((await api.request('PATCH', path, { key: narrowed, body: { role: 'admin' } })).status).toBe(403)
    expect(
      (await api.post('/api/v1/people', { name: 'F', email: 'f@x.com', role: 'admin' }, { key: narrowed })).status,
    ).toBe(403)
    const taken = await api.post('/api/v1/people', { name: 'E', email: 'EKA@example.com', role: 'viewer' }, { cookie })
    expect([taken.status, taken.body.errors]).toMatchObject([409, [{ field: 'email' }]])
    expect((await api.get('/api/v1/people?email=eka@EXAMPLE.com')).body.items).toMatchObject([{ name: 'Eka' }])
    expect((await api.request('DELETE', path, { cookie })).status).toBe(204)
    expect((await api.get(path)).status).toBe(404)
  })

  test('keep their last admin', async () => {
    const { items } = (await api.get('/api/v1/people')).body
    const admins = items.filter(
      ({ role, state }: { role: string; state: string }) => role === 'admin' && state === 'active',
    )
    const [last, ...others] = admins
    for (const { id } of others) expect((await api.request('DELETE', `/api/v1/people/${id}`)).status).toBe(204)
    for (const body of [{ role: 'viewer' }, { disabled: true }, { sites: ['main'] }]) {
      const refused = await api.request('PATCH', `/api/v1/people/${last.id}`, { body })
      expect([refused.status, refused.body.errors]).toMatchObject([409, [{ field: 'role' }]])
    }
    expect((await api.request('DELETE', `/api/v1/people/${last.id}`)).status).toBe(409)
  })

  test('are signed out by an admin', async () => {
    const { person, cookie } = await api.signIn()
    expect((await api.request('DELETE', `/api/v1/people/${person.id}/sessions`)).status).toBe(204)
    expect((await api.get('/api/v1/auth/session', { cookie })).status).toBe(401)
  })
})
