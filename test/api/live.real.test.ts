import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { formatCursor, parseCursor } from '../../api/live/cursor.ts'
import { parseDeviceId, parseMetricName, parseSiteId, type SiteId } from '../../model/index.ts'
import { waitUntil } from '../setup/wait.ts'
import { transition } from '../store/state/harness.ts'
import { type Harness, startApi, startMs } from './harness.ts'

let api: Harness
beforeAll(async () => {
  api = await startApi({
    livePollMs: 5,
    liveHeartbeatMs: 40,
    liveStreams: 40,
    liveStreamsPerPrincipal: 8,
    peerTimeoutMs: 50,
  })
  await api.post('/api/v1/sites', { id: 'else', name: 'Else', timeZone: 'UTC', currency: 'USD' })
  await api.post('/api/v1/devices', { id: 'm1', profileId: 'meter-1ph' })
  await api.post('/api/v1/devices', { id: 'm2', profileId: 'meter-1ph', siteId: 'else' })
})
afterAll(() => api.stop())

const main = parseSiteId('main')
const other = parseSiteId('else')
const named = (deviceId: string, siteId: SiteId, metric: string) => ({
  deviceId: parseDeviceId(deviceId),
  siteId,
  metric: parseMetricName(metric),
})
beforeEach(() => {
  const { live } = api.fake
  live.latest = []
  live.held = []
  live.values = []
  live.names.clear()
  live.names.set(1, named('m1', main, 'voltage'))
  live.names.set(2, named('m1', main, 'power'))
  live.names.set(3, named('m2', other, 'voltage'))
  live.registryVersion++
})

interface Event {
  readonly name: string
  readonly id: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read into what is sent
  readonly data: any
}

/** Follows the stream; its events as they come. */
async function follow(query = '', { key = api.adminKey, id }: { key?: string; id?: string | undefined } = {}) {
  const abort = new AbortController()
  const headers = { authorization: `Bearer ${key}`, ...(id !== undefined && { 'last-event-id': id }) }
  const response = await fetch(`${api.url}/api/v1/live${query}`, { headers, signal: abort.signal })
  const stream = { status: response.status, headers: response.headers, text: '', ended: false }
  const reading = (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) stream.text += decoder.decode(chunk, { stream: true })
  })()
  reading
    .catch(() => {})
    .finally(() => {
      stream.ended = true
    })
  const events = (name?: string): Event[] =>
    [...stream.text.matchAll(/^event: (.*)\nid: (.*)\ndata: (.*)\n\n/gm)]
      .map(([, found = '', ofEvent = '', data = '']) => ({ name: found, id: ofEvent, data: JSON.parse(data) }))
      .filter((event) => name === undefined || event.name === name)
  return Object.assign(stream, {
    events,
    /** The newest id, also of heartbeats. */
    lastId: () => [...stream.text.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? '',
    until: (name: string, count = 1) =>
      waitUntil(`${count} ${name}`, () => events(name).length >= count && events(name)),
    stop: () => abort.abort(),
  })
}

let position = 0
let step = 0
/** One step of an alert, as the rules record it. */
async function record(alert: string, ordinal: number, more: Partial<Parameters<typeof transition>[2]> = {}) {
  const kind = (['pending', 'firing', 'severity'] as const)[ordinal] ?? 'resolved'
  const made = transition(alert, ordinal, { kind, deviceId: parseDeviceId('m1'), siteId: main, ...more })
  await api.state.alertLedger.record([made], ++position)
  step++
}

async function reject(deviceId: string, detail: string, count = 1) {
  const row = { timeMs: startMs, deviceId: parseDeviceId(deviceId), clientId: 'c', topic: 't', reason: 'not_json' }
  const rows = Array.from({ length: count }, () => ({ ...row, detail, payload: Buffer.from('{') }))
  await api.state.ledger.commit('live', (await api.state.ledger.position('live')) + 1, rows)
}

const presence = (deviceId: string, siteId: SiteId, online: boolean) => ({
  deviceId: parseDeviceId(deviceId),
  siteId,
  online,
  lastSeenMs: startMs,
})

test('a stream says what it is, and no proxy may gather or keep it', async () => {
  const stream = await follow()
  expect(stream.status).toBe(200)
  expect(stream.headers.get('content-type')).toBe('text/event-stream')
  expect(stream.headers.get('cache-control')).toBe('no-store')
  expect(stream.headers.get('x-accel-buffering')).toBe('no')
  expect(stream.headers.get('content-encoding')).toBeNull()
  const [ready] = await stream.until('ready')
  expect(ready?.data).toEqual({ kinds: ['alerts', 'rejected', 'presence', 'values'] })
  expect(stream.text).toMatch(/^retry: \d+\n\n/)
  await waitUntil('a heartbeat', () => /\n:\nid: [\d.a-z]+\n\n/.test(stream.text))
  stream.stop()
})

test('HEAD tells the same and goes on to nobody', async () => {
  const key = await api.issueKey({ role: 'viewer' })
  for (let i = 0; i < 12; i++) {
    const { status, headers } = await api.request('HEAD', '/api/v1/live', { key })
    expect([status, headers.get('content-type')]).toEqual([200, 'text/event-stream'])
  }
})

describe('values', () => {
  test('begin with the newest of each series, and go on with those that change', async () => {
    const { live } = api.fake
    live.latest = [
      { seriesId: 1, timeMs: startMs, value: 229.8 },
      { seriesId: 3, timeMs: startMs, value: 231 },
    ]
    const stream = await follow('?kinds=values')
    const [first] = await stream.until('values')
    const time = '2026-11-23T10:00:00.000Z'
    expect(first?.data.items).toEqual([
      { deviceId: 'm1', metric: 'voltage', time, value: 229.8, quality: 'good' },
      { deviceId: 'm2', metric: 'voltage', time, value: 231, quality: 'good' },
    ])
    live.position = 1_234
    live.values = [{ seriesId: 2, timeMs: startMs + 1, value: 1_250 }]
    const [, second] = await stream.until('values', 2)
    expect(second?.data.items).toMatchObject([{ deviceId: 'm1', metric: 'power', value: 1_250 }])
    expect(parseCursor(second?.id ?? '')?.values).toBe(1_234)
    stream.stop()
  })

  test('are of the sites of the caller, and of the site, devices and metrics that it asks for', async () => {
    const { live } = api.fake
    live.latest = [1, 2, 3].map((seriesId) => ({ seriesId, timeMs: startMs, value: seriesId }))
    const ofMain = await api.issueKey({ sites: [main] })
    const rows: readonly [query: string, key: string, seen: readonly number[]][] = [
      ['', ofMain, [1, 2]],
      ['&site=else', ofMain, []],
      ['&site=else', api.adminKey, [3]],
      ['&device=m2,m1', ofMain, [1, 2]],
      ['&metric=voltage', api.adminKey, [1, 3]],
      ['&device=m1&metric=power,current', api.adminKey, [2]],
    ]
    for (const [query, key, seen] of rows) {
      const stream = await follow(`?kinds=values${query}`, { key })
      await stream.until('ready')
      live.values = [1, 2, 3].map((seriesId) => ({ seriesId, timeMs: startMs + 1, value: seriesId * 10 }))
      await waitUntil('the look', () => live.values.length === 0)
      await waitUntil('a heartbeat', () => stream.text.includes('\n:\n'))
      const shown = stream
        .events('values')
        .flatMap(({ data }) => data.items.map(({ value }: { value: number }) => value))
      expect([query, shown.filter((value) => value < 10)]).toEqual([query, seen])
      expect([query, shown.filter((value) => value >= 10)]).toEqual([query, seen.map((value) => value * 10)])
      stream.stop()
    }
  })

  test('of a device that goes to another site are seen there, and not here any more', async () => {
    const { live } = api.fake
    const [here, there] = [await api.issueKey({ sites: [main] }), await api.issueKey({ sites: [other] })]
    const streams = [await follow('?kinds=values', { key: here }), await follow('?kinds=values', { key: there })]
    for (const stream of streams) await stream.until('ready')
    live.values = [{ seriesId: 1, timeMs: startMs, value: 1 }]
    await streams[0]?.until('values')
    live.names.set(1, named('m1', other, 'voltage'))
    live.registryVersion++
    live.values = [{ seriesId: 1, timeMs: startMs, value: 2 }]
    await streams[1]?.until('values')
    expect(streams.map((stream) => stream.events('values').map(({ data }) => data.items[0].value))).toEqual([[1], [2]])
    for (const stream of streams) stream.stop()
  })

  test('that were missed come to who goes on behind an id; what is not held any more begins anew', async () => {
    const { live } = api.fake
    live.position = 5_000
    const first = await follow('?kinds=values')
    await waitUntil('a heartbeat', () => first.text.includes('\n:\n'))
    const id = first.lastId()
    first.stop()
    live.held = [1, 2, 3].map((value) => ({ seriesId: 1, timeMs: startMs + value, value, position: 5_000 + value }))
    const again = await follow('?kinds=values', { id })
    const [missed] = await again.until('values')
    expect(missed?.data.items.map(({ value }: { value: number }) => value)).toEqual([1, 2, 3])
    expect(again.events('reset')).toEqual([])
    again.stop()

    live.held = undefined
    live.latest = [{ seriesId: 1, timeMs: startMs, value: 7 }]
    const anew = await follow(`?kinds=values&lastEventId=${id}`)
    const [newest] = await anew.until('values')
    expect(anew.events().map(({ name }) => name)).toEqual(['ready', 'reset', 'values'])
    expect(newest?.data.items).toMatchObject([{ value: 7 }])
    anew.stop()
  })

  test('of many series come in parts, and only the last says that they are all there', async () => {
    const { live } = api.fake
    for (let id = 10; id < 2_510; id++) live.names.set(id, named('m1', main, `x${id}`))
    live.latest = Array.from({ length: 2_500 }, (_, i) => ({ seriesId: i + 10, timeMs: startMs, value: i }))
    const stream = await follow('?kinds=values')
    const parts = await stream.until('values', 3)
    expect(parts.map(({ data }) => data.items.length)).toEqual([1_000, 1_000, 500])
    expect(new Set(parts.map(({ id }) => id)).size).toBe(2)
    // Whoever has only the first part begins anew.
    live.latest = []
    const again = await follow('?kinds=values', { id: parts[0]?.id })
    live.held = undefined
    await again.until('ready')
    stream.stop()
    again.stop()
  })
})

describe('alerts', () => {
  test('come step by step, with the alert as it is; one that does not fire leaves nothing', async () => {
    const stream = await follow('?kinds=alerts')
    await stream.until('ready')
    await record('a1', 0)
    await record('a1', 1)
    const [fired] = await stream.until('alert')
    expect(fired?.data).toMatchObject({
      step: { kind: 'firing' },
      alert: { id: 'a1', state: 'firing', siteId: 'main', deviceId: 'm1' },
    })
    await api.post('/api/v1/alerts/a1/acknowledge', undefined)
    await api.post('/api/v1/alerts/a1/comments', { text: 'On my way.' })
    const steps = await stream.until('alert', 3)
    expect(steps.map(({ data }) => data.step.kind)).toEqual(['firing', 'acknowledged', 'commented'])
    stream.stop()
  })

  test('are told once each, however often the stream breaks and the platform starts anew', async () => {
    const seen: number[] = []
    let id: string | undefined
    const wanted: number[] = []
    for (let round = 0; round < 6; round++) {
      const stream = await follow('?kinds=alerts', { id })
      await stream.until('ready')
      for (let i = 0; i < 3; i++) {
        const alert = `b${round}-${i}`
        await record(alert, 0)
        await record(alert, 1)
        wanted.push(step)
      }
      // It breaks somewhere: before, between or behind them.
      if (round % 2 === 0) await stream.until('alert', round === 0 ? 1 : 2)
      stream.stop()
      seen.push(...stream.events('alert').map(({ data }) => data.step.id))
      id = stream.lastId()
    }
    const last = await follow('?kinds=alerts', { id })
    await waitUntil('a heartbeat', () => last.text.includes('\n:\n'))
    seen.push(...last.events('alert').map(({ data }) => data.step.id))
    last.stop()
    expect(seen).toHaveLength(18)
    expect(seen).toEqual([...new Set(seen)].toSorted((a, b) => a - b))
    expect(last.events('reset')).toEqual([])
  })

  test('that are too many, too old or of another platform are a reset', async () => {
    const probe = await follow('?kinds=alerts')
    const [ready] = await probe.until('ready')
    probe.stop()
    const now = parseCursor(ready?.id ?? '')
    if (now === undefined) throw new Error('no cursor')
    const { home } = now
    const elsewhere = formatCursor({ ...now, home: home === 'a1b2c3d4' ? 'b' : 'a1b2c3d4' })
    const ahead = [`${now.alerts + 7}.0.0.0.x.${home}`, `999999999999999.0.0.0.x.${home}`]
    for (const id of ['x', '', '1.2.3', `${now.alerts}.0.0.0.x`, elsewhere, ...ahead]) {
      const stream = await follow('?kinds=alerts', { id })
      expect([id, (await stream.until('reset')).map(({ data }) => data)]).toEqual([id, [{ kind: 'alerts' }]])
      // From here on it is exact again.
      expect(parseCursor(stream.lastId())?.alerts).toBe(now.alerts)
      stream.stop()
    }
    const many = Array.from({ length: 1_101 }, (_, i) => transition(`m${i}`, 1, { kind: 'firing' }))
    await api.state.alertLedger.record(many, ++position)
    const stream = await follow('?kinds=alerts', { id: ready?.id })
    await stream.until('reset')
    expect(stream.events('alert')).toEqual([])
    stream.stop()
  })

  test('are filtered by site, device, severity and state', async () => {
    const ofElse = await api.issueKey({ sites: [other] })
    const streams = {
      else: await follow('?kinds=alerts', { key: ofElse }),
      m1: await follow('?kinds=alerts&device=m1'),
      critical: await follow('?kinds=alerts&severity=critical,info'),
      resolved: await follow('?kinds=alerts&state=resolved'),
    }
    for (const stream of Object.values(streams)) await stream.until('ready')
    await record('c1', 0)
    await record('c1', 1, { severity: 'warning' })
    await record('c2', 0, { siteId: other, deviceId: parseDeviceId('m2') })
    await record('c2', 1, { siteId: other, deviceId: parseDeviceId('m2'), severity: 'critical' })
    await streams.else.until('alert')
    await record('c1', 3, { severity: 'warning', reason: 'condition_cleared' })
    await streams.resolved.until('alert')
    const seen = Object.fromEntries(
      Object.entries(streams).map(([name, stream]) => [
        name,
        stream.events('alert').map(({ data }) => `${data.alert.id} ${data.step.kind}`),
      ]),
    )
    expect(seen).toEqual({
      else: ['c2 firing'],
      m1: ['c1 firing', 'c1 resolved'],
      critical: ['c2 firing'],
      resolved: ['c1 resolved'],
    })
    for (const stream of Object.values(streams)) stream.stop()
  })
})

describe('presence', () => {
  test('is told when it changes, and what was missed to who comes back in the same run', async () => {
    const { live } = api.fake
    const ofMain = await api.issueKey({ sites: [main] })
    const stream = await follow('?kinds=presence', { key: ofMain })
    await stream.until('ready')
    live.presence = [presence('m1', main, true), presence('m2', other, true)]
    const [first] = await stream.until('presence')
    expect(first?.data.items).toEqual([{ deviceId: 'm1', online: true, lastSeen: '2026-11-23T10:00:00.000Z' }])
    const keeper = await follow('?kinds=alerts')
    await keeper.until('ready')
    stream.stop()
    live.presence = [presence('m1', main, false)]
    await waitUntil('the look', () => live.presence?.length === 0)
    const again = await follow('?kinds=presence', { key: ofMain, id: first?.id })
    const [missed] = await again.until('presence')
    expect(missed?.data.items).toMatchObject([{ deviceId: 'm1', online: false }])
    again.stop()
    const elsewhere = await follow('?kinds=presence', { id: first?.id.replace(/\.\w+$/, '.other') })
    await elsewhere.until('reset')
    elsewhere.stop()
    keeper.stop()
  })
})

describe('rejected messages', () => {
  test('come as they are listed, go on behind an id, and are passed over when they are too many', async () => {
    const ofMain = await api.issueKey({ sites: [main] })
    const stream = await follow('?kinds=rejected', { key: ofMain })
    await stream.until('ready')
    await reject('m1', 'one')
    await reject('m2', 'two')
    const [first] = await stream.until('rejected')
    expect(first?.data).toMatchObject({ deviceId: 'm1', detail: 'one', reason: 'not_json', payloadBase64: 'ew==' })
    stream.stop()
    await reject('m1', 'three')
    const again = await follow('?kinds=rejected', { key: ofMain, id: first?.id })
    const [missed] = await again.until('rejected')
    expect([missed?.data.detail, again.events('rejected').length]).toEqual(['three', 1])
    await reject('m1', 'flood', 600)
    await again.until('passed-over')
    expect(again.events('rejected').length).toBeLessThanOrEqual(1 + 200 * 3)
    again.stop()
    const late = await follow('?kinds=rejected', { key: ofMain, id: first?.id })
    await late.until('reset')
    late.stop()
  })
})

describe('who follows', () => {
  test('is shown what the scopes of the key open, and may ask for no more', async () => {
    const key = await api.issueKey({ scopes: ['alerts:read'] })
    const stream = await follow('', { key })
    expect((await stream.until('ready'))[0]?.data).toEqual({ kinds: ['alerts'] })
    stream.stop()
    const denied = await api.get('/api/v1/live?kinds=alerts,values', { key })
    expect([denied.status, denied.body.detail]).toEqual([403, 'values need a key with the scope readings:read'])
    expect((await api.get('/api/v1/live', { key: await api.issueKey({ scopes: ['sites:read'] }) })).status).toBe(403)
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
    const { status, body } = await api.get(`/api/v1/live?${query}`)
    expect([status, body.code]).toEqual([400, 'malformed_request'])
  })

  test('is let go when the key ends, and when it sees other sites than before', async () => {
    const made = await api.post('/api/v1/keys', { name: 'follower', role: 'viewer' })
    const { person, cookie } = await api.signIn({ role: 'viewer', sites: [main] })
    const stream = await follow('', { key: made.body.key })
    const response = await fetch(`${api.url}/api/v1/live`, { headers: { cookie } })
    const reader = response.body?.getReader()
    const ended = (async () => {
      for (;;) if ((await reader?.read())?.done !== false) return true
    })()
    await stream.until('ready')
    await api.request('DELETE', `/api/v1/keys/${made.body.id}`)
    await waitUntil('its end', () => stream.ended)
    await api.request('PATCH', `/api/v1/people/${person.id}`, { body: { sites: ['else'] } })
    expect(await ended).toBe(true)
  })

  test('has so many streams at most, and so have all together', async () => {
    const keys = await Promise.all(Array.from({ length: 6 }, () => api.issueKey({ role: 'viewer' })))
    const streams: Awaited<ReturnType<typeof follow>>[] = []
    const [first = ''] = keys
    for (let i = 0; i < 8; i++) streams.push(await follow('', { key: first }))
    const own = await api.get('/api/v1/live', { key: first })
    expect([own.status, own.body.code, own.headers.get('retry-after')]).toEqual([429, 'too_many_streams', '10'])
    for (const key of keys.slice(1, 5)) for (let i = 0; i < 8; i++) streams.push(await follow('', { key }))
    expect(streams.map(({ status }) => status)).toEqual(Array(40).fill(200))
    const all = await api.get('/api/v1/live', { key: keys[5] ?? '' })
    expect([all.status, all.body.code, all.headers.get('retry-after')]).toEqual([503, 'store_unavailable', '10'])
    for (const stream of streams) stream.stop()
    await waitUntil('room', async () => {
      const stream = await follow('', { key: first })
      stream.stop()
      return stream.status === 200
    })
  })

  test('misses nothing while it reads slowly', async () => {
    const { live } = api.fake
    const key = await api.issueKey({ role: 'viewer' })
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1')
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

test('while a part of the platform does not answer streams wait, and then miss nothing', async () => {
  const { live, silent } = api.fake
  const stream = await follow('?kinds=presence,values,alerts')
  await stream.until('ready')
  await waitUntil('a look', () => stream.text.includes('\n:\n'))
  silent.add('ingest')
  await record('e1', 0)
  await record('e1', 1)
  await waitUntil('a warning', () => api.logged.some(({ msg }) => msg === 'live streams wait'))
  live.held = [{ seriesId: 1, timeMs: startMs, value: 5, position: live.position + 1 }]
  silent.delete('ingest')
  await stream.until('alert')
  const [values] = await stream.until('values')
  expect(values?.data.items).toMatchObject([{ value: 5 }])
  expect(stream.events('alert')).toHaveLength(1)
  // Who came and went meanwhile is not known.
  expect(stream.events('reset').map(({ data }) => data.kind)).toEqual(['presence'])
  expect(stream.ended).toBe(false)
  stream.stop()
})
