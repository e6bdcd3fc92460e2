import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseSiteId, type Transition } from '../../model/index.ts'
import { transition } from '../store/state/harness.ts'
import { type Harness, startApi } from './harness.ts'

let api: Harness
let operator: string
let viewer: string
let south: string
let position = 0
const record = (...steps: Transition[]) => api.state.alertLedger.record(steps, ++position)
const main = parseSiteId('main')
const step = (alert: string, ordinal: number, more: Partial<Transition> = {}) =>
  transition(alert, ordinal, { siteId: main, ...more })

beforeAll(async () => {
  api = await startApi()
  operator = await api.issueKey({ role: 'operator', name: 'ani' })
  viewer = await api.issueKey({ role: 'viewer' })
  south = await api.issueKey({ role: 'operator', sites: [parseSiteId('south')] })
  await record(
    step('a', 0, { kind: 'pending' }),
    step('a', 1),
    step('b', 2, { severity: 'critical' }),
    step('c', 3, { kind: 'pending' }),
  )
})
afterAll(() => api.stop())

const ids = (body: { items: { id: string }[] }) => body.items.map(({ id }) => id)
const act = (path: string, body?: unknown, key = operator) =>
  api.request('POST', `/api/v1/alerts/${path}`, { key, ...(body !== undefined && { body }) })

describe('alerts', () => {
  test('are read with the evidence that made them', async () => {
    const { body } = await api.get('/api/v1/alerts/a', { key: viewer })
    expect(body).toEqual({
      id: 'a',
      ruleId: 'overvoltage',
      ruleVersion: 3,
      ruleName: 'Overvoltage',
      deviceId: 'm1',
      siteId: 'main',
      metric: 'voltage',
      severity: 'warning',
      state: 'firing',
      startedAt: '2026-11-18T11:06:40.000Z',
      firedAt: '2026-11-18T11:07:40.000Z',
      resolvedAt: null,
      value: 255.5,
      evidence: {
        kind: 'threshold',
        op: '>',
        limit: 253,
        clear: 250,
        value: 255.5,
        unit: 'V',
        quality: 'good',
        readingAt: '2026-11-18T11:07:40.000Z',
        since: '2026-11-18T11:06:40.000Z',
        forMs: 60_000,
        keepFiringForMs: 0,
        decidedBy: 'reading',
      },
      acknowledgedAt: null,
      acknowledgedBy: null,
      resolveReason: null,
      resolution: null,
      rootCause: null,
    })
  })

  test('are listed, the newest first, page by page and filtered', async () => {
    const list = async (query: string, key = viewer) => ids((await api.get(`/api/v1/alerts?${query}`, { key })).body)
    expect(await list('')).toEqual(['c', 'b', 'a'])
    expect(await list('state=firing')).toEqual(['b', 'a'])
    expect(await list('severity=critical')).toEqual(['b'])
    expect(await list('ruleId=overvoltage&deviceId=m1&siteId=main')).toEqual(['c', 'b', 'a'])
    expect(await list('deviceId=m2')).toEqual([])
    expect(await list('from=2026-11-18T11:08:00Z&to=2026-11-18T11:09:00Z')).toEqual(['b'])
    const first = (await api.get('/api/v1/alerts?limit=2')).body
    expect([ids(first), await list(`limit=2&cursor=${first.nextCursor}`)]).toEqual([['c', 'b'], ['a']])
    expect((await api.get('/api/v1/alerts?state=loud')).status).toBe(400)
  })

  test('of a site that a key may not see do not exist for it', async () => {
    expect(ids((await api.get('/api/v1/alerts', { key: south })).body)).toEqual([])
    expect((await api.get('/api/v1/alerts/a', { key: south })).status).toBe(404)
    expect((await api.get('/api/v1/alerts/a/timeline', { key: south })).status).toBe(404)
    for (const path of ['a/acknowledge', 'a/resolve']) expect((await act(path, undefined, south)).status).toBe(404)
    expect((await act('a/comments', { text: 'x' }, south)).status).toBe(404)
  })

  test('are acknowledged once, by operators', async () => {
    expect((await act('a/acknowledge', undefined, viewer)).status).toBe(403)
    const { body } = await act('a/acknowledge')
    expect(body).toMatchObject({ acknowledgedAt: '2026-11-23T10:00:00.000Z', acknowledgedBy: expect.any(String) })
    expect((await act('a/acknowledge', undefined, api.adminKey)).body).toEqual(body)
    const pending = await act('c/acknowledge')
    expect([pending.status, pending.body.errors]).toMatchObject([409, [{ field: 'state' }]])
  })

  test('are commented in lines of text', async () => {
    expect((await act('a/comments', { text: 'Called the grid.\nThey know.' })).status).toBe(204)
    expect((await act('a/comments', { text: 'a\u0000b' })).body.errors).toMatchObject([{ field: 'text' }])
    expect((await act('a/comments', { text: ' ' })).status).toBe(422)
    expect((await act('c/comments', { text: 'x' })).status).toBe(409)
  })

  test('are resolved by hand once the rules have met the order', async () => {
    api.fake.onAppend = async (topic) => {
      if (topic === 'alert/a') await record(step('a', 2, { kind: 'resolved', reason: 'by_hand' }))
    }
    const order = { resolution: 'Tap lowered', rootCause: 'Grid' }
    const { status, body } = await act('a/resolve', order)
    expect([status, body]).toMatchObject([200, { state: 'resolved', resolveReason: 'by_hand', ...order }])
    expect(api.fake.controls.at(-1)).toEqual({ topic: 'alert/a', payload: '{"resolve":true}' })
    expect((await act('a/resolve', order)).status).toBe(409)
    expect((await act('a/acknowledge')).status).toBe(200)
  })

  test('that the rules take their time to resolve are on their way', async () => {
    const { status, body } = await act('b/resolve')
    expect([status, body]).toMatchObject([202, { state: 'firing', resolution: null }])
    expect((await act('b/resolve', { resolution: 'x'.repeat(2_001) })).body.errors).toMatchObject([
      { field: 'resolution' },
    ])
  })

  test('keep every step, in order', async () => {
    const { body } = await api.get('/api/v1/alerts/a/timeline', { key: viewer })
    expect(body.items.map(({ kind, time }: { kind: string; time: string }) => [kind, time])).toEqual([
      ['pending', '2026-11-18T11:06:40.000Z'],
      ['firing', '2026-11-18T11:07:40.000Z'],
      ['acknowledged', '2026-11-23T10:00:00.000Z'],
      ['commented', '2026-11-23T10:00:00.000Z'],
      ['resolve_requested', '2026-11-23T10:00:00.000Z'],
      ['resolved', '2026-11-18T11:08:40.000Z'],
    ])
    expect(body.items[3]).toMatchObject({ text: 'Called the grid.\nThey know.', by: { kind: 'key' } })
    expect(body.items[4]).toMatchObject({ resolution: 'Tap lowered', rootCause: 'Grid' })
    expect(body.items[5]).toMatchObject({ reason: 'by_hand', ruleVersion: 3, evidence: { kind: 'threshold' } })
    const page = (await api.get('/api/v1/alerts/a/timeline?limit=4')).body
    const rest = (await api.get(`/api/v1/alerts/a/timeline?limit=4&cursor=${page.nextCursor}`)).body
    expect([...ids(page), ...ids(rest)]).toEqual(ids(body))
  })

  test('leave an audit row for everything that somebody did', async () => {
    const { items } = (await api.get('/api/v1/audit?resourceType=alert')).body
    expect(items.map(({ action }: { action: string }) => action)).toEqual([
      'alert.resolve',
      'alert.resolve',
      'alert.comment',
      'alert.acknowledge',
    ])
  })
})

describe('notifications', () => {
  const mime = Buffer.from('Subject: Overvoltage\r\n\r\n255,5 V \u00e4\r\n', 'latin1')
  let id: string
  beforeAll(async () => {
    const events = await api.state.dispatch.events(0, 10)
    await api.state.dispatch.commit(
      events.at(-1)?.id ?? 0,
      events.map((event) => ({
        eventId: event.id,
        channel: 'email',
        recipient: `${event.alert.id}@example.org`,
        suppressedBy: event.event.kind === 'resolved' ? 'quiet_hours' : undefined,
      })),
    )
    id = (await api.get('/api/v1/notifications?alertId=b')).body.items[0].id
  })

  test('say who was told of what, and why not', async () => {
    const { items } = (await api.get('/api/v1/notifications', { key: viewer })).body
    const seen = items.map(({ alertId, state, reason }: Record<string, string>) => [alertId, state, reason])
    expect(seen).toEqual([
      ['a', 'suppressed', 'quiet_hours'],
      ['b', 'queued', null],
      ['a', 'queued', null],
    ])
    expect(items[1]).toEqual({
      id,
      kind: 'alert',
      alertId: 'b',
      step: 3,
      siteId: 'main',
      channel: 'email',
      recipient: 'b@example.org',
      messageId: null,
      state: 'queued',
      reason: null,
      attempts: 0,
      nextAttemptAt: '2026-11-23T10:00:00.000Z',
      createdAt: '2026-11-23T10:00:00.000Z',
      sentAt: null,
    })
    const list = async (query: string) => (await api.get(`/api/v1/notifications?${query}`)).body.items.length
    expect([await list('state=suppressed'), await list('recipient=b@example.org'), await list('alertId=a')]).toEqual([
      1, 1, 2,
    ])
    expect((await api.get('/api/v1/notifications', { key: south })).body.items).toEqual([])
    expect((await api.get(`/api/v1/notifications/${id}`, { key: south })).status).toBe(404)
  })

  test('show the mail as it is sent, byte for byte, once there is one', async () => {
    const path = `/api/v1/notifications/${id}/message`
    expect((await api.get(path)).status).toBe(404)
    await api.state.deliveries.saveMessage(id, { messageId: '<1@example.org>', bytes: mime })
    expect((await api.get(path)).status).toBe(200)
    const response = await fetch(api.url + path, { headers: { authorization: `Bearer ${viewer}` } })
    expect(response.headers.get('content-type')).toBe('message/rfc822')
    expect(Buffer.from(await response.arrayBuffer())).toEqual(mime)
    expect((await api.get(path, { key: south })).status).toBe(404)
  })

  test('list every attempt, and are tried again when somebody wants it', async () => {
    const resend = (key = operator) => api.request('POST', `/api/v1/notifications/${id}/resend`, { key })
    expect((await resend()).status).toBe(409)
    const attempt = { timeMs: api.clock.nowMs, provider: 'main', code: 550, response: '550 no such user', latencyMs: 8 }
    await api.state.deliveries.recordAttempt(id, attempt, { kind: 'failed', reason: 'recipient_refused' })
    expect((await api.get(`/api/v1/notifications/${id}`)).body).toMatchObject({
      state: 'failed',
      reason: 'recipient_refused',
      messageId: '<1@example.org>',
      attempts: 1,
    })
    expect((await api.get(`/api/v1/notifications/${id}/attempts`)).body.items).toEqual([
      {
        number: 1,
        time: '2026-11-23T10:00:00.000Z',
        provider: 'main',
        outcome: 'failed',
        code: 550,
        response: '550 no such user',
        latencyMs: 8,
      },
    ])
    expect((await resend(viewer)).status).toBe(403)
    expect((await resend()).body).toMatchObject({ state: 'queued', attempts: 1 })
  })
})
