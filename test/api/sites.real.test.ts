import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseSiteId } from '../../model/index.ts'
import { type Harness, startApi } from './harness.ts'

let api: Harness
beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api.stop())

const ids = (body: { items: { id: string }[] }) => body.items.map(({ id }) => id)
const patch = (path: string, body: unknown) => api.request('PATCH', path, { body })

describe('sites', () => {
  test('begin with main, and are created, changed and deleted', async () => {
    expect(ids((await api.get('/api/v1/sites')).body)).toEqual(['main'])
    const plant = { id: 'plant', name: 'Plant', timeZone: 'Europe/Berlin', currency: 'EUR' }
    const created = await api.post('/api/v1/sites', plant)
    expect([created.status, created.body, created.headers.get('location')]).toEqual([201, plant, '/api/v1/sites/plant'])
    expect((await patch('/api/v1/sites/plant', { name: 'Works' })).body).toEqual({ ...plant, name: 'Works' })
    expect(JSON.parse(api.fake.controls.at(-1)?.payload ?? '')).toEqual({ ...plant, name: 'Works' })
    expect((await api.request('DELETE', '/api/v1/sites/plant')).status).toBe(204)
    expect((await api.get('/api/v1/sites/plant')).status).toBe(404)
  })

  test('an admin of one site may change it, but neither make nor delete any', async () => {
    const key = await api.issueKey({ role: 'admin', sites: [parseSiteId('main')] })
    expect((await api.request('PATCH', '/api/v1/sites/main', { key, body: { name: 'Mine' } })).status).toBe(200)
    expect((await api.request('DELETE', '/api/v1/sites/main', { key })).status).toBe(403)
  })
})

describe('assets', () => {
  test('make a tree', async () => {
    const top = { id: 'trafo', siteId: 'main', kind: 'transformer', name: 'Transformer', ratingKva: 630 }
    expect((await api.post('/api/v1/assets', top)).body).toEqual({
      ...top,
      parentId: null,
      ratingA: null,
      attributes: {},
      tags: [],
    })
    const panel = { siteId: 'main', kind: 'panel', name: 'Panel', parentId: 'trafo' }
    await api.post('/api/v1/assets', { ...panel, id: 'panel-1', tags: ['b', 'a', 'b'] })
    await api.post('/api/v1/assets', { ...panel, id: 'panel-2', ratingA: 400 })
    expect(ids((await api.get('/api/v1/assets?top=true')).body)).toEqual(['trafo'])
    expect(ids((await api.get('/api/v1/assets?parentId=trafo')).body)).toEqual(['panel-1', 'panel-2'])
    expect((await api.get('/api/v1/assets/panel-1')).body.tags).toEqual(['b', 'a'])
  })

  test('do not go round in a circle, and are not deleted with something below them', async () => {
    const { status, body } = await patch('/api/v1/assets/trafo', { parentId: 'panel-1' })
    expect([status, body.errors]).toMatchObject([422, [{ field: 'parentId' }]])
    expect((await api.request('DELETE', '/api/v1/assets/trafo')).status).toBe(409)
    expect((await patch('/api/v1/assets/panel-2', { parentId: null, ratingA: null })).body).toMatchObject({
      parentId: null,
      ratingA: null,
    })
    expect((await api.request('DELETE', '/api/v1/assets/panel-2')).status).toBe(204)
  })
})

describe('profiles', () => {
  test('begin with the built-in ones', async () => {
    const { body } = await api.get('/api/v1/profiles')
    expect(ids(body)).toEqual(['meter-1ph', 'meter-3ph', 'platform', 'transformer', 'weather-station'])
    expect((await api.get('/api/v1/profiles/meter-1ph')).body.metrics[0]).toEqual({
      name: 'voltage',
      unit: 'V',
      kind: 'gauge',
      min: 0,
      max: 400,
      maxRatePerS: null,
      digits: null,
      multiplier: 1,
    })
  })

  test('adopt a metric without losing the others, and change one in its place', async () => {
    const names = async () =>
      (await api.get('/api/v1/profiles/transformer')).body.metrics.map(({ name }: { name: string }) => name)
    const before = await names()
    const oil = { name: 'oil_level', unit: '%', kind: 'gauge', min: 0, max: 100 }
    expect((await patch('/api/v1/profiles/transformer', { metrics: [oil] })).status).toBe(200)
    expect(await names()).toEqual([...before, 'oil_level'])
    const { body } = await patch('/api/v1/profiles/transformer', {
      metrics: [{ name: before[0], unit: 'Cel', kind: 'gauge', min: -50, max: 250 }],
    })
    expect(body.metrics[0]).toMatchObject({ name: before[0], min: -50, max: 250 })
    expect(await names()).toEqual([...before, 'oil_level'])
  })

  test('that no device uses are deleted', async () => {
    const own = { id: 'own', name: 'Own', reportingIntervalMs: 60_000, metrics: [] }
    expect((await api.post('/api/v1/profiles', own)).body).toEqual(own)
    expect((await api.request('DELETE', '/api/v1/profiles/own')).status).toBe(204)
    expect((await api.get('/api/v1/profiles/own')).status).toBe(404)
  })
})

describe('the audit log', () => {
  test('has every change of the above, the newest first, page by page', async () => {
    const actions: string[] = []
    let cursor = ''
    do {
      const { body } = await api.get(`/api/v1/audit?limit=3${cursor && `&cursor=${cursor}`}`)
      actions.push(...body.items.map(({ action }: { action: string }) => action))
      cursor = body.nextCursor
    } while (cursor)
    expect(actions.slice(0, 3)).toEqual(['profile.remove', 'profile.create', 'profile.update'])
    expect(actions).toEqual(expect.arrayContaining(['site.create', 'site.remove', 'asset.create', 'asset.update']))
  })

  test('of a site is all that its admin sees', async () => {
    const key = await api.issueKey({ role: 'admin', sites: [parseSiteId('main')] })
    const { items } = (await api.get('/api/v1/audit', { key })).body
    expect(items.length).toBeGreaterThan(3)
    expect(new Set(items.map(({ siteId }: { siteId: string }) => siteId))).toEqual(new Set(['main']))
  })
})
