import { pino } from 'pino'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createServiceMeter } from '../../app/service-meter.ts'
import type { ServiceReport } from '../../store/state/index.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

function meter() {
  const reports: ServiceReport[] = []
  const trimmed: number[] = []
  const weather = { refuses: false }
  const made = createServiceMeter({
    store: {
      async report(report) {
        if (weather.refuses) throw new Error('the disk is full')
        reports.push(report)
      },
      async trim(nowMs) {
        trimmed.push(nowMs)
      },
    },
    clock: { now: () => Date.now() },
    logger: pino({ level: 'silent' }),
  })
  return { made, reports, trimmed, weather }
}

test('every five seconds it says that it is alive, and what it counted meanwhile; once more at the end', async () => {
  const { made, reports } = meter()
  made.start()
  await vi.advanceTimersByTimeAsync(1_000)
  made.answered(3, 200)
  made.answered(9, 503)
  await vi.advanceTimersByTimeAsync(9_000)
  made.cacheAsked(true)
  made.cacheAsked(false)
  made.mailDone(false)
  await made.stop()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(reports.map(({ nowMs }) => nowMs)).toEqual([1_000_000, 1_005_000, 1_010_000, 1_010_000])
  expect(reports.every(({ startedMs }) => startedMs === 1_000_000)).toBe(true)
  expect(reports[1]?.counts.api).toMatchObject({ total: 2, bad: 1 })
  expect(reports[1]?.counts.api.durations.count).toBe(2)
  expect(reports[2]?.counts.api.total).toBe(0)
  expect(reports[3]?.counts.cache).toMatchObject({ total: 2, bad: 1 })
  expect(reports[3]?.counts.mail).toMatchObject({ total: 1, bad: 1 })
})

test('what could not be written is written with what comes later', async () => {
  const { made, reports, weather } = meter()
  made.start()
  await vi.advanceTimersByTimeAsync(1)
  weather.refuses = true
  made.alertTold(800)
  await vi.advanceTimersByTimeAsync(5_000)
  made.alertTold(900)
  weather.refuses = false
  await vi.advanceTimersByTimeAsync(5_000)
  await made.stop()
  expect(reports[1]?.counts.alert.durations.count).toBe(2)
})

test('what no window reaches is removed once a day', async () => {
  const { made, trimmed } = meter()
  made.start()
  for (const day of [1, 2]) {
    vi.setSystemTime(1_000_000 + day * 86_400_000)
    await vi.advanceTimersByTimeAsync(10_000)
  }
  await made.stop()
  expect(trimmed).toHaveLength(3)
})
