import { describe, expect, test } from 'vitest'
import { emptyCounts, findService, serviceLevels, serviceWindows } from '../../../../model/index.ts'
import { createTestClock, type MakeStatePlace, settings } from '../harness.ts'

const noon = 1_795_000_000_000 - (1_795_000_000_000 % 3_600_000)
const second = 1_000
const minute = 60_000
const hour = 3_600_000

function answers(total: number, bad: number, ms: number) {
  const counts = emptyCounts()
  counts.api.total = total
  counts.api.bad = bad
  for (let i = 0; i < total; i++) counts.api.durations.add(ms)
  return counts
}

export function describeService(make: MakeStatePlace): void {
  describe('service', () => {
    async function withState(work: (state: Awaited<ReturnType<typeof open>>['state']) => Promise<void>): Promise<void> {
      const { place, state } = await open()
      await work(state)
      await state.close()
      await place.dispose()
    }
    async function open() {
      const place = await make()
      return { place, state: await place.open(createTestClock(), settings) }
    }

    test('what several reports counted is one, in each window that reaches it', () =>
      withState(async (state) => {
        await state.service.report({ startedMs: noon, nowMs: noon + second, counts: answers(10, 1, 5) })
        await state.service.report({ startedMs: noon, nowMs: noon + 2 * second, counts: answers(20, 0, 5) })
        await state.service.report({ startedMs: noon, nowMs: noon + 90 * minute, counts: answers(70, 3, 80) })
        const nowMs = noon + 90 * minute + second
        const read = async (window: keyof typeof serviceWindows) => {
          const { api } = (await state.service.read(window, nowMs)).counts
          const p95Ms = api.durations.percentileMs(0.95)
          return [api.total, api.bad, api.durations.count, p95Ms >= 80 && p95Ms < 82]
        }
        expect(await read('1h')).toEqual([70, 3, 70, true])
        expect(await read('24h')).toEqual([100, 4, 100, true])
        expect(await read('30d')).toEqual([100, 4, 100, true])
        const later = await state.service.read('24h', noon + 40 * hour)
        expect(later.counts.api.total).toBe(0)
      }))

    test('a process that was killed for a minute was down for a minute', () =>
      withState(async (state) => {
        const alive = async (startedMs: number, nowMs: number) =>
          state.service.report({ startedMs, nowMs, counts: emptyCounts() })
        await alive(noon, noon + 5 * second)
        await alive(noon, noon + 30 * minute)
        await alive(noon + 31 * minute, noon + 31 * minute)
        await alive(noon + 31 * minute, noon + 40 * minute)
        const { uptime } = await state.service.read('1h', noon + 40 * minute)
        expect(uptime).toEqual({ upMs: 39 * minute, ofMs: 40 * minute })
        // Two at once are not more than one.
        await alive(noon + 35 * minute, noon + 40 * minute)
        expect((await state.service.read('30d', noon + 40 * minute)).uptime).toEqual(uptime)
        const level = serviceLevels.find(({ name }) => name === 'uptime')
        const record = await state.service.read('1h', noon + 40 * minute)
        expect(level && findService(level, record)).toEqual({ samples: 480, value: 97.5, met: false })
      }))

    test('before the first start there was nothing that could have been down', () =>
      withState(async (state) => {
        expect((await state.service.read('30d', noon)).uptime).toEqual({ upMs: 0, ofMs: 0 })
        await state.service.report({ startedMs: noon, nowMs: noon + 5 * second, counts: emptyCounts() })
        expect((await state.service.read('30d', noon + 5 * second)).uptime).toEqual({ upMs: 5_000, ofMs: 5_000 })
      }))

    test('what no window reaches is removed, and nothing else', () =>
      withState(async (state) => {
        for (const nowMs of [noon, noon + 20 * hour])
          await state.service.report({ startedMs: nowMs, nowMs, counts: answers(5, 0, 1) })
        const nowMs = noon + 26 * hour
        await state.service.trim(nowMs)
        expect((await state.service.read('24h', nowMs)).counts.api.total).toBe(5)
        expect((await state.service.read('30d', nowMs)).counts.api.total).toBe(10)
        await state.service.trim(noon + serviceWindows['30d'] + 30 * hour)
        expect((await state.service.read('30d', nowMs)).counts.api.total).toBe(0)
      }))
  })
}
