import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { platformActor } from '../../store/state/index.ts'
import { describeWith, toolPath } from '../setup/require-tool.ts'
import { type Harness, password, startApi } from './harness.ts'

describeWith(['chromium'], 'the sign-in page', () => {
  let api: Harness
  let browser: Browser
  const faults: string[] = []

  beforeAll(async () => {
    api = await startApi()
    browser = await chromium.launch({
      executablePath: toolPath('chromium'),
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
    })
  })
  afterAll(async () => {
    await browser.close()
    await api.stop()
  })

  async function open(path: string): Promise<Page> {
    const context = await browser.newContext()
    const page = await context.newPage()
    page.on('pageerror', (error) => faults.push(error.message))
    await page.goto(`${api.url}${path}`)
    return page
  }

  async function signIn(page: Page, email: string, typed: string): Promise<void> {
    await page.getByLabel('E-mail address').first().fill(email)
    await page.locator('#password').getByLabel('Password').fill(typed)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  }

  test('whoever is nobody yet is sent there, and back to the live page with a session', async () => {
    const person = await api.addPerson({ name: 'Ani', role: 'operator' })
    const page = await open('/')
    await page.waitForURL('**/sign-in')
    await signIn(page, person.email, 'not the password')
    await page.getByRole('alert').getByText('The e-mail address or the password is wrong').waitFor()
    await signIn(page, person.email, password)
    await page.waitForURL((url) => url.pathname === '/')
    await page.getByText('Ani').waitFor()
    const cookies = await page.context().cookies()
    expect(cookies.filter(({ httpOnly, sameSite }) => !httpOnly || sameSite !== 'Strict')).toEqual([])

    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForURL('**/sign-in')
    await page.goto(`${api.url}/`)
    await page.waitForURL('**/sign-in')
    expect(faults).toEqual([])
  })

  test('an API key opens the live page, and one that is wrong does not', async () => {
    const page = await open('/#key=pel_key_wrong')
    await page.waitForURL('**/sign-in')
    await page.getByRole('button', { name: 'Use an API key' }).click()
    await page.getByLabel('API key').fill(api.adminKey)
    await page.getByRole('button', { name: 'Open' }).click()
    await page.waitForURL((url) => url.pathname === '/')
    await page.getByText('Live ·').waitFor()
    await page.getByText('No meter yet').waitFor()
    await page.getByText('Power of the panels').waitFor({ state: 'hidden' })
    await page.getByRole('button', { name: 'Sign out' }).waitFor({ state: 'hidden' })
    expect(faults).toEqual([])
  })

  test('says what became of a sign-in elsewhere, and of a link that is worth nothing', async () => {
    const refused = await open('/sign-in#error=access_denied')
    await refused.getByRole('alert').getByText('did not let you in').waitFor()
    const stale = await open('/sign-in#token=pel_link_nothing')
    await stale.getByRole('alert').getByText('This link was used, has expired').waitFor()
    expect(new URL(stale.url()).hash).toBe('')
    expect(faults).toEqual([])
  })

  test('makes the first admin with the link of the first start, who then signs in', async () => {
    const { token } = await api.state.change(platformActor, (unit) => unit.links.issue('setup', null, 60_000))
    const page = await open(`/sign-in#token=${token}`)
    const first = 'Enam kuda di atap gedung'
    await page.getByLabel('Your name').fill('Citra')
    await page.locator('#link').getByLabel('E-mail address').fill('citra@example.com')
    await page.getByLabel('New password').fill(first)
    await page.getByLabel('The same again').fill('something else here')
    await page.getByRole('button', { name: 'Set the password' }).click()
    await page.getByRole('alert').getByText('differ').waitFor()
    await page.getByLabel('The same again').fill(first)
    await page.getByRole('button', { name: 'Set the password' }).click()
    await page.getByRole('status').getByText('The password is set').waitFor()
    await signIn(page, 'citra@example.com', first)
    await page.waitForURL((url) => url.pathname === '/')
    await page.getByText('Citra').waitFor()
    expect(faults).toEqual([])
  })

  test('leads nobody to another place than this platform', async () => {
    const person = await api.addPerson()
    for (const next of [
      '//elsewhere.example/',
      'https://elsewhere.example/',
      '/\\elsewhere.example',
      'javascript:alert(1)',
    ]) {
      const page = await open(`/sign-in#next=${encodeURIComponent(next)}`)
      await signIn(page, person.email, password)
      await page.waitForURL(`${api.url}/`)
      await page.context().close()
    }
  })
})
