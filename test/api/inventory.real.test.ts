import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseSiteId } from '../../model/index.ts'
import { type Harness, startApi, startMs } from './harness.ts'

const hourMs = 3_600_000

let api: Harness
beforeAll(async () => {
  api = await startApi()
  await api.post('/api/v1/sites', { id: 'far', name: 'Far', timeZone: 'Europe/Berlin', currency: 'EUR' })
})
afterAll(() => api.stop())

const day = `from=${startMs - 24 * hourMs}&to=${startMs}&bucket=1d`
const read = (series: string) => api.get(`/api/v1/readings?series=${series}&${day}`)
const patch = (path: string, body: unknown) => api.request('PATCH', path, { body })
const metrics = async (id: string) => {
  const { body } = await api.get(`/api/v1/devices/${id}/latest`)
  return body.items.map((item: { metric: string; value: number; unit: string | null }) => [
    item.metric,
    item.value,
    item.unit,
  ])
}

test('what is kept of a device is what it is now: its metrics, its profile, its site, and whether there is one', async () => {
  const gauge = { kind: 'gauge', min: 0, max: 1_000 }
  const profile = { name: 'P', reportingIntervalMs: 1_000, metrics: [{ ...gauge, name: 'flow', unit: 'm3/h' }] }
  expect((await api.post('/api/v1/profiles', { id: 'p', ...profile })).body).toMatchObject({ id: 'p' })
  expect((await api.post('/api/v1/devices', { id: 'k', profileId: 'p' })).status).toBe(201)
  expect(await metrics('k')).toEqual([])
  expect((await read('k/flow')).body.items).toMatchObject([{ unit: 'm3/h', times: [] }])
  expect((await read('k/oddity')).status).toBe(404)

  await api.measure('k', 'flow', [[startMs - hourMs, 1]])
  await api.measure('k', 'oddity', [[startMs - hourMs, 2]])
  expect(await metrics('k')).toEqual([
    ['flow', 1, 'm3/h'],
    ['oddity', 2, null],
  ])
  // From midnight in Jakarta.
  expect((await read('k/flow,k/oddity')).body.items).toMatchObject([
    { unit: 'm3/h', times: ['2026-11-22T17:00:00.000Z'] },
    { unit: null, times: ['2026-11-22T17:00:00.000Z'] },
  ])

  const { body: before } = await api.get('/api/v1/profiles/p')
  const adopted = [...before.metrics, { ...gauge, name: 'oddity', unit: 'W' }]
  expect((await patch('/api/v1/profiles/p', { metrics: adopted })).status).toBe(200)
  expect((await metrics('k'))[1]).toEqual(['oddity', 2, 'W'])
  expect((await patch('/api/v1/devices/k', { siteId: 'far' })).status).toBe(200)
  expect((await read('k/oddity')).body.items).toMatchObject([{ unit: 'W', times: ['2026-11-22T23:00:00.000Z'] }])
  const elsewhere = await api.issueKey({ sites: [parseSiteId('main')] })
  expect((await api.get('/api/v1/devices/k/latest', { key: elsewhere })).status).toBe(404)

  await api.request('DELETE', '/api/v1/devices/k')
  expect((await api.get('/api/v1/devices/k/latest')).status).toBe(404)
  expect((await read('k/flow')).status).toBe(404)
  await api.post('/api/v1/devices', { id: 'k', profileId: 'p' })
  expect(await metrics('k')).toEqual([])
  expect((await read('k/flow')).body.items).toMatchObject([{ times: [] }])
})
