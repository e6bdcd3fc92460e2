import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { connectAsync } from 'mqtt'
import { expect, test } from 'vitest'
import { waitUntil } from '../setup/wait.ts'
import { type Platform, startPlatform } from './platform.ts'

/** Where the command line of this machine finds its key; for the owner's eyes. */
const ownKeys = new Set(['command-line.key', 'running.json'])

function contentsOf(folder: string): (readonly [file: string, bytes: Buffer])[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => statSync(join(folder, file)).isFile())
    .map((file) => [file, readFileSync(join(folder, file))] as const)
}

/** Somebody who signs in, after a wrong password; by the command line's own key, which may set one. */
async function signInOf(platform: Platform, { email, password, wrongPassword }: Record<string, string>) {
  const url = `http://127.0.0.1:${platform.httpPort}`
  const { key } = JSON.parse(readFileSync(join(platform.dataDir, 'running.json'), 'utf8'))
  const post = (path: string, body: object, more: Record<string, string> = {}) => {
    const headers = { 'content-type': 'application/json', ...more }
    return fetch(`${url}/api/v1/${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  }
  const made = await post(
    'people',
    { name: 'Ani', email, role: 'viewer', password },
    { authorization: `Bearer ${key}` },
  )
  expect(made.status).toBe(201)
  expect((await post('auth/sign-in', { email, password: wrongPassword })).status).toBe(401)
  const signedIn = await post('auth/sign-in', { email, password })
  const [cookie = ''] = (signedIn.headers.getSetCookie()[0] ?? '').split(';')
  // The database has the token; what makes it worth something is the signature.
  const token = decodeURIComponent(cookie.split('=')[1] ?? '')
  expect(token).toMatch(/^\w{32}\..{40}/)
  return { url, cookie, token }
}

test('no secret is in the log, in an answer or in a file, whatever goes wrong with it', async () => {
  const smtpPassword = 'smtp-Passw0rd-7261'
  await using platform = await startPlatform({
    env: {
      LOG_LEVEL: 'trace',
      // Nobody listens there, so every mail fails.
      SMTP_URL: `smtp://ops:${smtpPassword}@127.0.0.1:9`,
      ALERT_EMAIL: 'ops@example.com',
    },
  })
  const { client, adminKey, dataDir } = platform
  const device = await client.createDevice({ id: 'meter-1', profileId: 'meter-1ph' })
  const key = await client.createKey('reader')
  const wrong = 'pel_key_wrong-guess-5512'
  const person = { email: 'ani@example.com', password: 'seven dry meters hum', wrongPassword: 'nine wet ones do not' }
  const sessions = await signInOf(platform, person)
  const { password, wrongPassword } = person
  const given = { adminKey, deviceToken: device.token, key: key.key, session: sessions.token }
  const secrets = { ...given, smtpPassword, wrong, password, wrongPassword }
  const url = `mqtt://127.0.0.1:${platform.mqttPort}`

  const mqtt = await connectAsync(url, { username: device.id, password: device.token })
  // A rule fires, and its mail goes nowhere.
  await mqtt.publishAsync('pel/v1/meter-1/telemetry', '{"voltage":300}', { qos: 1 })
  await mqtt.endAsync()
  const once = { reconnectPeriod: 0 }
  await expect(connectAsync(url, { username: device.id, password: wrong, ...once })).rejects.toThrow()
  // A secret in the wrong place.
  await expect(connectAsync(url, { username: device.token, password: 'x', ...once })).rejects.toThrow()
  const answers = await Promise.all(
    [
      { authorization: `Bearer ${wrong}` },
      { authorization: `Basic ${Buffer.from(`admin:${adminKey}`).toString('base64')}` },
      { 'x-api-key': adminKey },
      { cookie: `session=${key.key}` },
      // What is wrong in a body is told, what a header holds is not.
      { authorization: `Bearer ${adminKey} ${key.key}` },
    ].map((headers) => fetch(`http://127.0.0.1:${platform.httpPort}/api/v1/devices`, { headers })),
  )
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401])
  await waitUntil('a mail that failed', async () => {
    const response = await client.request('GET', '/api/v1/notifications')
    return /"attempts":[1-9]/.test(await response.text())
  })
  const told = await Promise.all([
    ...answers.map((answer) => answer.text()),
    ...['people', 'audit', 'status', 'keys', 'devices', 'devices/meter-1/tokens', 'notifications', 'rejected'].map(
      async (path) => (await client.request('GET', `/api/v1/${path}`)).text(),
    ),
    client.metrics(),
  ])
  // The metrics are for anybody: counts, and nothing about whom.
  expect(told.at(-1)).toContain('pelbiot_')
  for (const name of ['meter-1', 'ops@example.com', '127.0.0.1', key.id]) expect(told.at(-1)).not.toContain(name)
  expect((await fetch(`${sessions.url}/api/v1/auth/session`, { headers: { cookie: sessions.cookie } })).status).toBe(
    200,
  )
  await platform.stop()

  const places = [
    ['the log', Buffer.from(platform.log())] as const,
    ['the answers', Buffer.from(told.join('\n'))] as const,
    ...contentsOf(dataDir).filter(([file]) => !ownKeys.has(file)),
  ]
  expect(places.map(([place]) => place)).toEqual(expect.arrayContaining(['the log', 'state.sqlite', 'secret.key']))
  const found = Object.entries(secrets).flatMap(([name, secret]) =>
    places.filter(([, bytes]) => bytes.includes(secret)).map(([place]) => `${name} in ${place}`),
  )
  expect(found).toEqual([])
})
