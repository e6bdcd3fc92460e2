import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseDeviceId, parseMetricName, parseSiteId } from '../../model/index.ts'
import { waitUntil } from '../setup/wait.ts'
import { type Harness, startApi, startMs } from './harness.ts'

let api: Harness
beforeAll(async () => {
  // No heartbeat comes while a test waits: what ends a stream here is the change itself.
  api = await startApi({ livePollMs: 5, liveHeartbeatMs: 25_000, liveStreamsPerPrincipal: 8 })
  await api.addPerson({ role: 'admin' })
  await api.post('/api/v1/sites', { id: 'else', name: 'Else', timeZone: 'UTC', currency: 'USD' })
  await api.post('/api/v1/devices', { id: 'm1', profileId: 'meter-1ph' })
  const { live } = api.fake
  live.names.set(1, {
    deviceId: parseDeviceId('m1'),
    siteId: parseSiteId('main'),
    metric: parseMetricName('voltage'),
  })
  live.registryVersion++
})
afterAll(() => api.stop())

type Headers = Readonly<Record<string, string>>
interface Follower {
  readonly headers: Headers
  withdraw(): Promise<unknown>
}

async function ofKey(withdraw: (id: string) => Promise<unknown>): Promise<Follower> {
  const { body } = await api.post('/api/v1/keys', { name: 'follower', role: 'viewer', sites: ['main'] })
  return { headers: { authorization: `Bearer ${body.key}` }, withdraw: () => withdraw(body.id) }
}

async function ofPerson(withdraw: (id: string, cookie: string) => Promise<unknown>): Promise<Follower> {
  const { person, cookie } = await api.signIn()
  return { headers: { cookie }, withdraw: () => withdraw(person.id, cookie) }
}

const change = (body: object) => (id: string) => api.request('PATCH', `/api/v1/people/${id}`, { body })
const withdrawals: Readonly<Record<string, () => Promise<Follower>>> = {
  'the key is revoked': () => ofKey((id) => api.request('DELETE', `/api/v1/keys/${id}`)),
  'the secret is replaced': () => ofKey((id) => api.post(`/api/v1/keys/${id}/rotate`, { overlapS: 0 })),
  'the person is limited to other sites': () => ofPerson(change({ sites: ['else'] })),
  'the person is disabled': () => ofPerson(change({ disabled: true })),
  'the person is removed': () => ofPerson((id) => api.request('DELETE', `/api/v1/people/${id}`)),
  'the sessions are ended': () => ofPerson((id) => api.request('DELETE', `/api/v1/people/${id}/sessions`)),
  'the person signs out': () => ofPerson((_, cookie) => api.request('POST', '/api/v1/auth/sign-out', { cookie })),
}

async function follow(path: string, headers: Headers) {
  const response = await fetch(`${api.url}${path}`, { headers })
  const stream = { text: '', ended: false }
  const reading = (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) stream.text += decoder.decode(chunk, { stream: true })
  })()
  reading.catch(() => {}).finally(() => Object.assign(stream, { ended: true }))
  await waitUntil('it to begin', () => stream.text.length > 0)
  return stream
}

test.each(Object.keys(withdrawals))('streams end at once when %s, and tell nothing more', async (name) => {
  const follower = await withdrawals[name]?.()
  if (follower === undefined) throw new Error(`no ${name}`)
  const paths = ['/api/v1/live?kinds=values', '/api/v1/devices/m1/messages/live']
  const streams = await Promise.all(paths.map((path) => follow(path, follower.headers)))
  await follower.withdraw()
  api.fake.live.values = [{ seriesId: 1, timeMs: startMs, value: 4711 }]
  await waitUntil('their end', () => streams.every(({ ended }) => ended))
  expect(streams.map(({ text }) => text.includes('4711'))).toEqual([false, false])
})

test('a stream of a device ends at once when the device goes to a site that may not be seen', async () => {
  const { headers } = await ofKey(async () => {})
  const stream = await follow('/api/v1/devices/m1/messages/live', headers)
  await api.request('PATCH', '/api/v1/devices/m1', { body: { siteId: 'else' } })
  await waitUntil('its end', () => stream.ended)
})
