import { type Browser, chromium } from 'playwright-core'
import { afterEach, expect, test } from 'vitest'
import { describeWith, toolPath } from '../setup/require-tool.ts'
import { cookieOf, type Harness, password, startApi } from './harness.ts'
import { createTotpApp } from './totp-app.ts'

let api: Harness
afterEach(() => api.stop())

const auth = '/api/v1/auth'

test('of whom a second factor is demanded, they do nothing before they have enabled one', async () => {
  api = await startApi({ secondFactor: 'everyone' })
  const { person, cookie } = await api.signIn({ role: 'viewer' })
  const needed = [403, 'second_factor_needed']
  const asked = [
    await api.get('/api/v1/devices', { cookie }),
    await api.get(`${auth}/sessions`, { cookie }),
    await api.post(`${auth}/password`, { currentPassword: password, password: 'another horse battery' }, { cookie }),
    await api.post(`${auth}/totp/recovery-codes`, { password }, { cookie }),
  ]
  expect(asked.map(({ status, body }) => [status, body.code])).toEqual(asked.map(() => needed))
  expect((await api.get(`${auth}/session`, { cookie })).body).toMatchObject({ id: person.id, needsSecondFactor: true })

  const begun = await api.post(`${auth}/totp`, { password }, { cookie })
  // Begun is not enabled.
  expect((await api.get('/api/v1/devices', { cookie })).body.code).toBe('second_factor_needed')
  const confirmed = await api.post(`${auth}/totp/confirm`, { code: await createTotpApp(begun.body.uri)() }, { cookie })
  expect(confirmed.status).toBe(204)
  const whole = { cookie: cookieOf(confirmed) }
  expect((await api.get('/api/v1/devices', whole)).status).toBe(200)
  expect((await api.get(`${auth}/session`, whole)).body.needsSecondFactor).toBe(false)
})

test('they may sign out all the same', async () => {
  api = await startApi({ secondFactor: 'everyone' })
  const { cookie } = await api.signIn()
  expect((await api.post(`${auth}/sign-out`, {}, { cookie })).status).toBe(204)
})

test('demanded of admins it is nothing to others, until they become one; keys have none', async () => {
  api = await startApi({ secondFactor: 'admins' })
  const { person, cookie } = await api.signIn({ role: 'operator' })
  expect((await api.get('/api/v1/devices', { cookie })).status).toBe(200)
  expect((await api.request('PATCH', `/api/v1/people/${person.id}`, { body: { role: 'admin' } })).status).toBe(200)
  expect((await api.get('/api/v1/devices', { cookie })).body.code).toBe('second_factor_needed')
})

test('a second factor that is given up is demanded again', async () => {
  api = await startApi({ secondFactor: 'everyone' })
  const { cookie } = await api.signIn()
  const begun = await api.post(`${auth}/totp`, { password }, { cookie })
  const code = await createTotpApp(begun.body.uri)()
  const enabled = cookieOf(await api.post(`${auth}/totp/confirm`, { code }, { cookie }))
  const given = await api.post(`${auth}/totp/disable`, { password }, { cookie: enabled })
  expect(given.status).toBe(204)
  expect((await api.get('/api/v1/devices', { cookie: cookieOf(given) })).body.code).toBe('second_factor_needed')
})

describeWith(['chromium'], 'in a browser', () => {
  test('whoever signs in without one enables it there, and goes on', async () => {
    api = await startApi({ secondFactor: 'everyone' })
    // So that the account library's clock is ours.
    await api.signIn()
    const browser: Browser = await chromium.launch({
      executablePath: toolPath('chromium'),
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
    })
    try {
      const person = await api.addPerson({ name: 'Ani', role: 'operator' })
      const page = await browser.newPage()
      await page.goto(`${api.url}/sign-in`)
      await page.getByLabel('E-mail address').first().fill(person.email)
      await page.locator('#password').getByLabel('Password').fill(password)
      await page.getByRole('button', { name: 'Sign in', exact: true }).click()
      await page.getByLabel('Your password, once more').waitFor()
      // Nothing else is open to them.
      await page.goto(`${api.url}/`)
      await page.waitForURL('**/sign-in')
      await page.getByLabel('Your password, once more').fill(password)
      await page.locator('#enable').getByRole('button', { name: 'Go on' }).click()
      const uri = await page.getByRole('link', { name: 'Open in the app' }).getAttribute('href')
      expect(await page.locator('#recovery-codes li').count()).toBe(10)
      await page.getByLabel('Code that the app shows').fill(await createTotpApp(uri ?? '')())
      await page.getByRole('button', { name: 'Enable' }).click()
      await page.waitForURL((url) => url.pathname === '/')
      await page.getByText('Ani').waitFor()
    } finally {
      await browser.close()
    }
  })
})
