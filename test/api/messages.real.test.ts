import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { MessageView } from '../../ingest/index.ts'
import { parseDeviceId, parseSiteId } from '../../model/index.ts'
import { waitUntil } from '../setup/wait.ts'
import { followText } from './follow-text.ts'
import { type Harness, startApi, startMs } from './harness.ts'

let api: Harness
beforeAll(async () => {
  // A socket that takes nothing is cut a second after the longer of the two; one whose answer is over, when it has been idle.
  const timeouts = {
    headersTimeoutMs: 1_000,
    requestTimeoutMs: 1_000,
    answerTimeoutMs: 1_000,
    keepAliveTimeoutMs: 1_000,
  }
  api = await startApi({ livePollMs: 5, liveHeartbeatMs: 20, liveStreamsPerPrincipal: 8, ...timeouts })
  await api.post('/api/v1/devices', { id: 'm1', profileId: 'meter-1ph' })
})
afterAll(() => api.stop())

const m1 = parseDeviceId('m1')
const path = '/api/v1/devices/m1/messages'

function message(position: number, more: Partial<MessageView> = {}): MessageView {
  return {
    position,
    receivedMs: startMs,
    principal: 'm1',
    clientId: 'c',
    topic: 'pel/v1/m1/telemetry',
    qos: 1,
    dup: false,
    retain: false,
    payload: Buffer.from('{"voltage":230}'),
    payloadBytes: 15,
    fate: 'taken',
    reason: null,
    detail: '',
    ...more,
  }
}

/** Follows the stream; what it sends is in `text`. */
async function follow(key = api.adminKey) {
  const stream = await followText(`${api.url}${path}/live`, { authorization: `Bearer ${key}` })
  return Object.assign(stream, {
    events: () => [...stream.text.matchAll(/^data: (.*)$/gm)].map(([, data = '']) => JSON.parse(data)),
  })
}

test('the last messages of a device are shown with what became of them, the newest first', async () => {
  api.fake.passedOver = 3
  api.fake.messages.set(m1, [
    message(100),
    message(200, { fate: 'rejected', reason: 'not_json', detail: 'no', payload: Buffer.from([0xff]), payloadBytes: 9 }),
  ])
  const { status, body } = await api.get(path)
  expect([status, body.passedOver]).toEqual([200, 3])
  expect(body.items).toMatchObject([
    { id: '200', fate: 'rejected', reason: 'not_json', detail: 'no', payloadBase64: '/w==', payloadBytes: 9 },
    {
      id: '100',
      time: '2026-11-23T10:00:00.000Z',
      sender: 'm1',
      topic: 'pel/v1/m1/telemetry',
      fate: 'taken',
      reason: null,
    },
  ])
  expect((await api.get('/api/v1/devices/nobody/messages')).status).toBe(404)
})

describe('a live stream', () => {
  test('begins with what is kept, goes on with what comes, and says what it leaves out', async () => {
    api.fake.passedOver = 3
    api.fake.messages.set(m1, [message(100)])
    const stream = await follow()
    expect([stream.status, stream.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
    await waitUntil('the first', () => stream.events().length === 1)
    api.fake.messages.set(m1, [message(100), message(200), message(300)])
    await waitUntil('the others', () => stream.events().length === 3)
    api.fake.passedOver = 8
    await waitUntil('what is left out', () => stream.text.includes('event: passed-over\ndata: {"count":5}\n\n'))
    expect(stream.text).toContain('id: 300\ndata: {')
    await waitUntil('a comment', () => /\n\n:\n\n$/.test(stream.text))
    stream.stop()
  })

  test('ends when the key does', async () => {
    const { body } = await api.post('/api/v1/keys', { name: 'follower', role: 'viewer', scopes: ['readings:read'] })
    const stream = await follow(body.key)
    await waitUntil('it to begin', () => stream.text.length > 0)
    await api.request('DELETE', `/api/v1/keys/${body.id}`)
    await waitUntil('its end', () => stream.ended)
  })

  test('ends when the device goes to a site that the key may not see', async () => {
    await api.post('/api/v1/sites', { id: 'else', name: 'Else', timeZone: 'UTC', currency: 'USD' })
    const stream = await follow(await api.issueKey({ sites: [parseSiteId('main')] }))
    await waitUntil('it to begin', () => stream.text.length > 0)
    await api.request('PATCH', '/api/v1/devices/m1', { body: { siteId: 'else' } })
    await waitUntil('its end', () => stream.ended)
    await api.request('PATCH', '/api/v1/devices/m1', { body: { siteId: 'main' } })
  })

  test('is not for who may not see the device', async () => {
    expect((await follow(await api.issueKey({ sites: [parseSiteId('else')] }))).status).toBe(404)
    expect((await follow(await api.issueKey({ scopes: ['devices:read'] }))).status).toBe(403)
  })

  test('is one of eight at most of one key; one that is closed makes room', async () => {
    const key = await api.issueKey({ role: 'viewer' })
    const streams = []
    for (let i = 0; i < 8; i++) streams.push(await follow(key))
    expect(streams.map(({ status }) => status)).toEqual(Array(8).fill(200))
    const refused = await api.get(`${path}/live`, { key })
    expect([refused.status, refused.body.code]).toEqual([429, 'too_many_streams'])
    expect((await follow()).status).toBe(200)
    for (const stream of streams) stream.stop()
    await waitUntil('room', async () => (await follow(key)).status === 200)
  })

  test('breaks when the client does not read', async () => {
    const key = await api.issueKey({ role: 'viewer' })
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1')
    socket.on('error', () => {})
    socket.write(`GET ${path}/live HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\n\r\n`)
    await once(socket, 'readable')
    const closed = once(socket, 'close')
    const others = []
    for (let i = 0; i < 7; i++) others.push(await follow(key))
    for (const other of others.slice(1)) other.stop()
    // New ones without end; one client takes them, the other does not.
    let position = 2_000
    const payload = Buffer.alloc(2_048)
    const more = setInterval(() => {
      api.fake.messages.set(
        m1,
        Array.from({ length: 500 }, () => message(++position, { payload })),
      )
    }, 5)
    // Its place is free again.
    const streams = []
    for (let i = 0; i < 7; i++)
      streams.push(
        await waitUntil('room', async () => {
          const stream = await follow(key)
          return stream.status === 200 && stream
        }),
      )
    clearInterval(more)
    socket.resume()
    await closed
    expect(others[0]?.ended).toBe(false)
    for (const stream of [...others, ...streams]) stream.stop()
  })

  test('does not hold up a stop', async () => {
    const other = await startApi()
    await other.post('/api/v1/devices', { id: 'm1', profileId: 'meter-1ph' })
    const response = await fetch(`${other.url}${path}/live`, { headers: { authorization: `Bearer ${other.adminKey}` } })
    const text = response.text()
    await other.stop()
    expect(await text).toContain(':\n\n')
    expect(other.logged).toEqual([])
  })
})
