import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseSiteId } from '../../model/index.ts'
import { type AuditList, platformActor } from '../../store/state/index.ts'
import { type Harness, startApi, startMs } from './harness.ts'

let api: Harness
beforeAll(async () => {
  api = await startApi()
  await api.post('/api/v1/sites', { id: 'south', name: 'South', timeZone: 'UTC', currency: 'EUR' })
  await api.post('/api/v1/devices', { id: 'm1', profileId: 'meter-1ph', name: '=cmd|"/c calc"!A1' })
  await api.post('/api/v1/devices', { id: 'm2', siteId: 'south', profileId: 'meter-1ph', tags: ['roof'] })
  api.clock.nowMs = startMs + 60_000
  await api.request('PATCH', '/api/v1/devices/m2', { body: { name: 'Pump' }, headers: { 'x-request-id': '@SUM(1)' } })
  await api.request('PATCH', '/api/v1/devices/m2', { body: { name: 'Fan' }, headers: { 'x-request-id': '-1:2' } })
})
afterAll(() => api.stop())

const csv = { headers: { accept: 'text/csv' } }
const lines = { headers: { accept: 'application/x-ndjson' } }

async function actions(query: string): Promise<string[]> {
  const { status, body } = await api.get(`/api/v1/audit?${query}`)
  expect(status).toBe(200)
  return body.items.map(({ action, resourceId }: Record<string, string>) => `${action} ${resourceId}`)
}

describe('the audit log', () => {
  test('is searched by who, what, where, when and any words', async () => {
    expect(await actions('siteId=south')).toEqual([
      'device.update m2',
      'device.update m2',
      `device-token.issue ${await tokenOf('m2')}`,
      'device.create m2',
      'site.create south',
    ])
    expect(await actions('action=device.create')).toEqual([
      'device.create m2',
      'device.create m1',
      'device.create platform',
    ])
    expect(await actions('text=ROOF&action=device.create')).toEqual(['device.create m2'])
    expect(await actions(`from=${startMs + 60_000}&resourceType=device`)).toEqual([
      'device.update m2',
      'device.update m2',
    ])
    expect(await actions('principalKind=person')).toEqual([])
    expect((await api.get('/api/v1/audit?principalKind=robot')).status).toBe(400)
    expect((await api.get(`/api/v1/audit?text=${'x'.repeat(101)}`)).status).toBe(400)
  })

  async function tokenOf(device: string): Promise<string> {
    return (await api.get(`/api/v1/devices/${device}/tokens`)).body.items[0].id
  }

  test('is exported whole as JSON lines, the same entries as in pages', async () => {
    const { status, headers, body } = await api.get('/api/v1/audit', lines)
    expect([status, headers.get('content-type'), headers.get('vary')]).toEqual([
      200,
      'application/x-ndjson',
      expect.stringContaining('Accept'),
    ])
    expect(headers.get('content-disposition')).toBe('attachment; filename="audit.jsonl"')
    const entries = body
      .trimEnd()
      .split('\n')
      .map((line: string) => JSON.parse(line))
    expect(entries).toEqual((await api.get('/api/v1/audit')).body.items)
    expect(entries.length).toBeGreaterThan(10)
    expect((await api.get('/api/v1/audit?resourceId=nothing', lines)).body).toBeUndefined()
  })

  test('is exported as CSV in which no cell is a formula', async () => {
    const { headers, body } = await api.get('/api/v1/audit?resourceType=device', csv)
    expect(headers.get('content-type')).toBe('text/csv; charset=utf-8')
    const rows = body.split('\r\n')
    expect(rows[0]).toBe(
      '"id","time","principalKind","principalId","action","resourceType","resourceId","siteId","before","after",' +
        '"requestId","address","previousHash","hash"',
    )
    expect(rows.at(-1)).toBe('')
    expect(rows[1]).toMatch(
      /^\d+,"2026-11-23T10:01:00.000Z","key",.*,"'-1:2","127.0.0.1","[0-9a-f]{64}","[0-9a-f]{64}"$/,
    )
    expect(body).toContain('"{""id"":""m1""')
    expect(body).not.toMatch(/(?:^|,)"?[=+\-@]/m)
  })

  test('takes the format that is preferred, and JSON where none of its own is asked for', async () => {
    for (const [accept, type] of [
      ['text/csv;q=0.5, application/x-ndjson;q=0.9', 'application/x-ndjson'],
      ['application/json, text/csv;q=0.9', 'application/json'],
      ['text/*', 'text/csv; charset=utf-8'],
      ['TEXT/CSV', 'text/csv; charset=utf-8'],
      ['*/*', 'application/json'],
      ['image/png', 'application/json'],
      ['text/csv;q=0', 'application/json'],
      [';;q=,,/', 'application/json'],
    ] as const)
      expect([accept, (await api.get('/api/v1/audit', { headers: { accept } })).headers.get('content-type')]).toEqual([
        accept,
        type,
      ])
    for (const parameter of ['limit=1', 'cursor=x'])
      expect((await api.get(`/api/v1/audit?${parameter}`, csv)).body).toMatchObject({ code: 'malformed_request' })
  })

  test('shows an admin of a site what is of it, in every format', async () => {
    const key = await api.issueKey({ role: 'admin', sites: [parseSiteId('south')] })
    for (const headers of [{}, csv.headers, lines.headers]) {
      const { body } = await api.get('/api/v1/audit', { key, headers })
      const text = JSON.stringify(body)
      for (const shown of ['m2', 'roof', 'Pump']) expect(text).toContain(shown)
      for (const hidden of ['m1', 'main', 'platform', 'cmd|']) expect(text).not.toContain(hidden)
    }
    expect((await api.get('/api/v1/audit/verify', { key })).status).toBe(403)
  })

  test('opens to a key that is narrowed to it, and to none for the rest of the platform', async () => {
    expect(
      (await api.get('/api/v1/audit', { key: await api.issueKey({ role: 'admin', scopes: ['audit:read'] }) })).status,
    ).toBe(200)
    expect(
      (await api.get('/api/v1/audit', { key: await api.issueKey({ role: 'admin', scopes: ['platform:read'] }) }))
        .status,
    ).toBe(403)
  })
})

describe('the verification', () => {
  async function verdict(query = '') {
    const { status, body } = await api.get(`/api/v1/audit/verify${query}`)
    expect(status).toBe(200)
    const steps = body
      .trimEnd()
      .split('\n')
      .map((line: string) => JSON.parse(line))
    expect(steps.slice(0, -1).every(({ kind }: { kind: string }) => kind === 'progress')).toBe(true)
    return steps.at(-1)
  }

  test('tells of an intact log its newest entry, which can be compared later', async () => {
    const [newest] = (await api.get('/api/v1/audit?limit=1')).body.items
    const first = await verdict()
    expect(first).toEqual({
      kind: 'verdict',
      intact: true,
      checked: newest.id,
      removedThrough: 0,
      head: { id: newest.id, hash: newest.hash },
      fault: null,
    })
    await api.request('PATCH', '/api/v1/devices/m2', { body: { name: 'Later' } })
    expect(await verdict(`?expected=${first.head.hash}`)).toMatchObject({ intact: true })
    const other = 'a'.repeat(64)
    expect(await verdict(`?expected=${other}`)).toMatchObject({ intact: false, fault: { what: 'missing', id: null } })
    expect((await api.get('/api/v1/audit/verify?expected=abc')).body.errors).toMatchObject([{ field: 'expected' }])
  })

  test('compares with what was written down beside the database', async () => {
    const { head } = await verdict()
    api.recordedCheckpoints.push(head)
    expect(await verdict()).toMatchObject({ intact: true })
    api.recordedCheckpoints.push({ id: head.id + 5, hash: 'c'.repeat(64) })
    expect(await verdict()).toMatchObject({ intact: false, fault: { what: 'missing', id: head.id + 1 } })
    api.recordedCheckpoints.length = 0
  })
})

describe('an answer of many pieces', () => {
  test('holds a piece at a time, waits for a slow reader, and ends with one that goes', {
    timeout: 30_000,
  }, async () => {
    await api.state.change(platformActor, async (unit) => {
      for (let i = 0; i < 1_200; i++)
        await unit.sites.update(parseSiteId('south'), { name: `Name ${i} ${'x'.repeat(150)}` })
    })
    const whole = await api.get('/api/v1/audit?resourceType=site', lines)
    expect(whole.body.trimEnd().split('\n')).toHaveLength(1_202)

    // More walks than may run at once, each left after its first bytes: the next ones come to their turn.
    for (let i = 0; i < 6; i++) {
      const leave = new AbortController()
      const headers = { ...lines.headers, authorization: `Bearer ${api.adminKey}` }
      const { body } = await fetch(`${api.url}/api/v1/audit`, { headers, signal: leave.signal })
      await body?.getReader().read()
      leave.abort()
      await delay(1)
    }
    expect((await api.get('/api/v1/audit?resourceId=m1', lines)).status).toBe(200)
    expect(api.logged).toEqual([])
  })

  test('that fails on the way is cut off, not ended, and the log says why', async () => {
    await using broken = await startApi()
    const { list } = broken.state.audit
    let calls = 0
    Object.assign(broken.state.audit, {
      async list(query: AuditList) {
        if (++calls > 1) throw new Error('the disk is gone')
        return { ...(await list(query)), next: { timeMs: 0, id: 0 } }
      },
    })
    const headers = { ...lines.headers, authorization: `Bearer ${broken.adminKey}` }
    const read = async () => (await fetch(`${broken.url}/api/v1/audit`, { headers })).text()
    await expect(read()).rejects.toThrow()
    expect(broken.logged).toMatchObject([{ msg: 'answer cut off', err: { message: 'the disk is gone' } }])
  })
})
