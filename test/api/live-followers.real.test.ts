import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { waitUntil } from '../setup/wait.ts'
import { startApi, startMs } from './harness.ts'
import { main, named, useLive } from './live-world.ts'

const world = useLive()
const { follow, record } = world

describe('who follows', () => {
  test('is shown what the scopes of the key open, and may ask for no more', async () => {
    const key = await world.api.issueKey({ scopes: ['alerts:read'] })
    const stream = await follow('', { key })
    expect((await stream.until('ready'))[0]?.data).toEqual({ kinds: ['alerts'] })
    stream.stop()
    const denied = await world.api.get('/api/v1/live?kinds=alerts,values', { key })
    expect([denied.status, denied.body.detail]).toEqual([403, 'values need a key with the scope readings:read'])
    expect(
      (await world.api.get('/api/v1/live', { key: await world.api.issueKey({ scopes: ['sites:read'] }) })).status,
    ).toBe(403)
  })

  test.each([
    'kinds=all',
    'kinds=',
    'device=a,,b',
    'severity=bad',
    'site=a,b',
    'kinds=alerts&kinds=values',
    'until=now',
  ])('and asks for %s is told what is wrong', async (query) => {
    const { status, body } = await world.api.get(`/api/v1/live?${query}`)
    expect([status, body.code]).toEqual([400, 'malformed_request'])
  })

  test('is let go when the key ends, and when it sees other sites than before', async () => {
    const made = await world.api.post('/api/v1/keys', { name: 'follower', role: 'viewer' })
    const { person, cookie } = await world.api.signIn({ role: 'viewer', sites: [main] })
    const stream = await follow('', { key: made.body.key })
    const response = await fetch(`${world.api.url}/api/v1/live`, { headers: { cookie } })
    const reader = response.body?.getReader()
    const ended = (async () => {
      for (;;) if ((await reader?.read())?.done !== false) return true
    })()
    await stream.until('ready')
    await world.api.request('DELETE', `/api/v1/keys/${made.body.id}`)
    await waitUntil('its end', () => stream.ended)
    await world.api.request('PATCH', `/api/v1/people/${person.id}`, { body: { sites: ['else'] } })
    expect(await ended).toBe(true)
  })

  test('has so many streams at most, and so have all together', async () => {
    const keys = await Promise.all(Array.from({ length: 6 }, () => world.api.issueKey({ role: 'viewer' })))
    const streams: Awaited<ReturnType<typeof follow>>[] = []
    const [first = ''] = keys
    for (let i = 0; i < 8; i++) streams.push(await follow('', { key: first }))
    const own = await world.api.get('/api/v1/live', { key: first })
    expect([own.status, own.body.code, own.headers.get('retry-after')]).toEqual([429, 'too_many_streams', '10'])
    for (const key of keys.slice(1, 5)) for (let i = 0; i < 8; i++) streams.push(await follow('', { key }))
    expect(streams.map(({ status }) => status)).toEqual(Array(40).fill(200))
    const all = await world.api.get('/api/v1/live', { key: keys[5] ?? '' })
    expect([all.status, all.body.code, all.headers.get('retry-after')]).toEqual([503, 'store_unavailable', '10'])
    for (const stream of streams) stream.stop()
    await waitUntil('room', async () => {
      const stream = await follow('', { key: first })
      stream.stop()
      return stream.status === 200
    })
  })

  test('misses nothing while it reads slowly', async () => {
    const { live } = world.api.fake
    const key = await world.api.issueKey({ role: 'viewer' })
    const socket = connect(Number(new URL(world.api.url).port), '127.0.0.1')
    socket.write(`GET /api/v1/live?kinds=alerts,values HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\n\r\n`)
    await once(socket, 'readable')
    const chunks: Buffer[] = []
    // It takes nothing while values and alerts go by.
    for (let id = 10; id < 5_010; id++) live.names.set(id, named('m1', main, `y${id}`))
    live.registryVersion++
    const watching = await follow('?kinds=alerts')
    await watching.until('ready')
    const flood = setInterval(() => {
      live.values = Array.from({ length: 5_000 }, (_, i) => ({ seriesId: i + 10, timeMs: startMs, value: i }))
    }, 5)
    for (let i = 0; i < 10; i++) {
      await record(`d${i}`, 0)
      await record(`d${i}`, 1)
      await watching.until('alert', i + 1)
    }
    clearInterval(flood)
    socket.on('data', (chunk) => chunks.push(chunk))
    const alerts = () => [
      ...Buffer.concat(chunks)
        .toString()
        .matchAll(/"alert":\{"id":"(d\d)"/g),
    ]
    await waitUntil('the alerts', () => alerts().length >= 10)
    expect(alerts().map(([, id]) => id)).toEqual(Array.from({ length: 10 }, (_, i) => `d${i}`))
    socket.destroy()
    watching.stop()
  })

  test('and takes nothing loses the connection, while nobody else waits', async () => {
    const platform = await startApi({ livePollMs: 5, livePatienceMs: 200 })
    const { live } = platform.fake
    await platform.post('/api/v1/devices', { id: 'm1', profileId: 'meter-1ph' })
    for (let id = 1; id <= 5_000; id++) live.names.set(id, named('m1', main, `z${id}`))
    const socket = connect(Number(new URL(platform.url).port), '127.0.0.1')
    socket.on('error', () => {})
    const head = `Host: x\r\nAuthorization: Bearer ${platform.adminKey}`
    socket.write(`GET /api/v1/live?kinds=values HTTP/1.1\r\n${head}\r\n\r\n`)
    await once(socket, 'readable')
    const closed = once(socket, 'close')
    const headers = { authorization: `Bearer ${platform.adminKey}` }
    const other = await fetch(`${platform.url}/api/v1/live?kinds=values`, { headers })
    let received = 0
    let round = 0
    const flood = setInterval(() => {
      round++
      live.values = Array.from({ length: 5_000 }, (_, i) => ({ seriesId: i + 1, timeMs: startMs + round, value: i }))
    }, 5)
    const reading = (async () => {
      for await (const chunk of other.body ?? []) received += chunk.length
    })()
    // It is cut without having read; what the kernel still has for it comes first.
    await waitUntil('much more than a socket holds', () => received > 20_000_000)
    await waitUntil('its place to be free', async () => {
      const text = await (await fetch(`${platform.url}/metrics`)).text()
      return /pelbiot_live_streams 1\n/.test(text)
    })
    socket.resume()
    await closed
    clearInterval(flood)
    await platform.stop()
    await reading
    expect(platform.logged).toEqual([])
  })

  test('does not hold up a stop', async () => {
    const platform = await startApi()
    const headers = { authorization: `Bearer ${platform.adminKey}` }
    const response = await fetch(`${platform.url}/api/v1/live`, { headers })
    const text = response.text()
    await platform.stop()
    expect(await text).toContain('retry: ')
    expect(platform.logged).toEqual([])
  })
})
