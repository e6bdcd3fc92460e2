import { pino } from 'pino'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createSelfWatch } from '../../app/self-watch.ts'
import { emptyCounts } from '../../model/index.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: 0 })
})
afterEach(() => {
  vi.useRealTimers()
})

/** What a test moves on by hand. */
interface World {
  acked: number
  messages: number
  mailFailures: number
  refuse: boolean
}

const counts = emptyCounts()
Object.assign(counts.api, { total: 1_000, bad: 10 })
Object.assign(counts.mail, { total: 99, bad: 99 })

function watch(world: World, published: unknown[]): ReturnType<typeof createSelfWatch> {
  return createSelfWatch(10_000, {
    log: async () => ({ bytes: 4096 }),
    broker: async () => ({ ackedTotal: world.acked }),
    ingest: async () => ({ messages: world.messages, lagBytes: 128, storeDown: false }),
    mail: async () => ({ failuresTotal: world.mailFailures, waiting: 3 }),
    diskFreePercent: async () => 42,
    residentBytes: () => 1e8,
    service: async () => ({ counts, uptime: { upMs: 3_540_000, ofMs: 3_600_000 } }),
    publish: async (payload: Uint8Array) => {
      if (world.refuse) throw new Error('the log is full')
      published.push(JSON.parse(Buffer.from(payload).toString()))
    },
    clock: { now: () => Date.now() },
    logger: pino({ level: 'silent' }),
  })
}

test('rates and counts are those since the reading before', async () => {
  const world: World = { acked: 500, messages: 700, mailFailures: 2, refuse: false }
  const published: Record<string, number>[] = []
  const self = watch(world, published)
  self.start()
  await vi.advanceTimersByTimeAsync(10_000)
  Object.assign(world, { acked: 1_500, messages: 2_700, mailFailures: 5 })
  await vi.advanceTimersByTimeAsync(10_000)
  await self.stop()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(published).toHaveLength(2)
  expect(published[0]).toMatchObject({
    acks_per_s: 0,
    mail_failures: 0,
    disk_free: 42,
    store_down: 0,
    mails_waiting: 3,
  })
  expect(published[1]).toMatchObject({ acks_per_s: 100, messages_per_s: 200, mail_failures: 3, log_lag_bytes: 128 })
})

test('it goes on after the log was full', async () => {
  const world: World = { acked: 0, messages: 0, mailFailures: 0, refuse: true }
  const published: unknown[] = []
  const self = watch(world, published)
  self.start()
  await vi.advanceTimersByTimeAsync(20_000)
  world.refuse = false
  await vi.advanceTimersByTimeAsync(10_000)
  await self.stop()
  expect(published).toHaveLength(1)
})

test('what fails faster than its target allows is a metric of the platform too', async () => {
  const published: Record<string, number>[] = []
  const self = watch({ acked: 0, messages: 0, mailFailures: 0, refuse: false }, published)
  self.start()
  await vi.advanceTimersByTimeAsync(10_000)
  await self.stop()
  const [first] = published
  // 1 % failed where 0.1 % may; down for 60 of 3,600 s where 3.6 s may; too few mails to say anything.
  expect(first?.['burn_errors']).toBeCloseTo(10, 9)
  expect(first?.['burn_uptime']).toBeCloseTo(16.67, 2)
  expect(first).toMatchObject({ burn_email_success: 0, burn_cache_hit: 0, burn_api_p95: 0 })
})
