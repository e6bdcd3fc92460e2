import { afterAll, beforeAll, expect, test } from 'vitest'
import { emptyCounts } from '../../model/index.ts'
import { type Harness, startApi, startMs } from './harness.ts'

let api: Harness
beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api.stop())

interface Item {
  readonly name: string
  readonly window: string
  readonly value: number | null
  readonly samples: number
  readonly met: boolean | null
}

async function levels(window: string): Promise<Map<string, Item>> {
  const { body } = await api.get('/api/v1/service-levels')
  const items: readonly Item[] = body.items
  return new Map(items.filter((item) => item.window === window).map((item) => [item.name, item]))
}

test('a platform that has done nothing yet has no value for anything', async () => {
  const all = await levels('30d')
  expect([...all.keys()]).toEqual(['api_p95', 'cache_hit', 'uptime', 'errors', 'email_success', 'alert_response_p95'])
  for (const item of all.values()) expect(item).toMatchObject({ value: null, samples: 0, met: null })
})

test('each level is held against its target, from a hundred samples on', async () => {
  const counts = emptyCounts()
  Object.assign(counts.api, { total: 2_000, bad: 3 })
  for (let i = 0; i < 2_000; i++) counts.api.durations.add(i < 1_850 ? 4 : 400)
  Object.assign(counts.mail, { total: 99, bad: 0 })
  Object.assign(counts.alert, { total: 100, bad: 0 })
  for (let i = 0; i < 100; i++) counts.alert.durations.add(i < 96 ? 900 : 90_000)
  const startedMs = startMs - 50 * 60_000
  await api.state.service.report({ startedMs, nowMs: startMs - 1_000, counts })
  const hour = await levels('1h')
  expect(hour.get('api_p95')).toMatchObject({ samples: 2_000, met: false })
  expect(hour.get('api_p95')?.value).toBeGreaterThan(399)
  expect(hour.get('errors')).toMatchObject({ value: 0.15, met: false })
  expect(hour.get('email_success')).toMatchObject({ value: null, samples: 99, met: null })
  expect(hour.get('alert_response_p95')).toMatchObject({ samples: 100, met: true })
  expect(hour.get('uptime')).toMatchObject({ samples: 600, met: true })
  expect(hour.get('uptime')?.value).toBeCloseTo(100 * (1 - 1 / 3_000), 6)
})

test('answers of the API are counted, pages and probes are not', async () => {
  const before = api.answered.length
  await api.get('/api/v1/sites')
  await api.get('/api/v1/devices/nobody')
  await api.get('/livez')
  await api.get('/nowhere')
  expect(api.answered.slice(before).map(({ status }) => status)).toEqual([200, 404])
})
