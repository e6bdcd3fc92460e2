import { describe, expect, test } from 'vitest'
import { builtInProfiles, type ProfileRecord, parseMetricName, parseProfileId } from '../../model/index.ts'
import { noon } from './frame-script.ts'
import { World } from './world.ts'

const minuteMs = 60_000

/** A profile with one metric of each kind, reporting each minute. */
const profile: ProfileRecord = {
  id: parseProfileId('lab'),
  name: 'Lab',
  reportingIntervalMs: minuteMs,
  metrics: [
    { kind: 'gauge' as const, name: 'heat', max: 100, maxRatePerS: 1 },
    { kind: 'gauge' as const, name: 'level', max: 100, maxRatePerS: null },
    { kind: 'register' as const, name: 'energy', max: 1e6, maxRatePerS: 0.1 },
    { kind: 'state' as const, name: 'mode', max: 10, maxRatePerS: null },
  ].map((metric) => ({
    ...metric,
    name: parseMetricName(metric.name),
    unit: '1',
    min: 0,
    digits: null,
    multiplier: 1,
  })),
}

/** Sends `[minute, value]` in order and says which were marked suspect, by minute. */
async function marked(metric: string, readings: readonly (readonly [number, number])[]): Promise<readonly number[]> {
  const world = new World()
  world.script.profiles(profile).device('m1', 1, { profileId: profile.id })
  world.script.nowMs += 1000 * minuteMs
  for (const [minute, value] of readings)
    world.script.telemetry('m1', { ts: noon + minute * minuteMs, values: { [metric]: value } })
  await world.digest()
  const stored = await world.stored('m1', metric)
  return stored.filter(([, , quality]) => quality === 1).map(([timeMs]) => timeMs / minuteMs)
}

describe('validation marks', () => {
  test('what lies outside the range, its ends excepted', async () => {
    expect(
      await marked('level', [
        [0, 0],
        [1, 100],
        [2, 100.1],
        [3, -0.1],
        [4, 50],
      ]),
    ).toEqual([2, 3])
  })

  test('what changes too fast, but not the good value after a spike', async () => {
    expect(
      await marked('heat', [
        [0, 20],
        [1, 90],
        [2, 21],
        [3, 81],
      ]),
    ).toEqual([1])
  })

  test('a real step only until it has had the time', async () => {
    expect(
      await marked('heat', [
        [0, 0],
        [0.5, 80],
        [1, 80],
        [1.5, 80],
        [2, 80],
      ]),
    ).toEqual([0.5, 1])
  })

  test('a register that goes down, once', async () => {
    expect(
      await marked('energy', [
        [0, 100],
        [1, 101],
        [2, 3],
        [3, 4],
      ]),
    ).toEqual([2])
  })

  test('a register that counts faster than it can', async () => {
    expect(
      await marked('energy', [
        [0, 100],
        [1, 106],
        [2, 113],
      ]),
    ).toEqual([2])
  })

  test('a gauge that has not moved for sixty intervals, until it moves', async () => {
    const still = Array.from({ length: 63 }, (_, minute) => [minute, 7] as const)
    expect(await marked('level', [...still, [63, 8]])).toEqual([60, 61, 62])
  })

  test.each([
    ['level', 0],
    ['mode', 3],
    ['energy', 50],
    ['discovered', 7],
  ])('not %s at %d, however long it stays', async (metric, value) => {
    const still = Array.from({ length: 70 }, (_, minute) => [minute, value] as const)
    expect(await marked(metric, still)).toEqual([])
  })

  test('not a gauge that repeats itself often within a few intervals', async () => {
    expect(
      await marked(
        'level',
        Array.from({ length: 200 }, (_, i) => [i / 100, 7] as const),
      ),
    ).toEqual([])
  })

  test('a late reading by its range alone', async () => {
    expect(
      await marked('heat', [
        [10, 20],
        [5, 90],
        [6, 101],
      ]),
    ).toEqual([6])
  })

  test('nothing that a discovered metric does', async () => {
    expect(
      await marked('whatever', [
        [0, 1],
        [0.1, -1e300],
        [0.2, 1e300],
      ]),
    ).toEqual([])
  })
})

describe('validation', () => {
  test('counts gaps and says nothing against the reading that ends one', async () => {
    const world = new World()
    world.script.device('m1', 1)
    for (const minute of [0, 1, 4, 8, 9]) {
      world.script.nowMs = noon + minute * minuteMs
      world.script.telemetry('m1', { voltage: 230 + minute })
    }
    const ingest = await world.digest()
    expect((await ingest.queries.stats()).gaps).toBe(1)
    expect((await world.stored('m1', 'voltage')).every(([, , quality]) => quality === 0)).toBe(true)
  })

  test('follows a profile that changes', async () => {
    const world = new World()
    const [meter] = builtInProfiles
    if (meter === undefined) throw new RangeError('no built-in profile')
    const narrow = meter.metrics.map((metric) => (metric.name === 'voltage' ? { ...metric, max: 100 } : metric))
    world.script.device('m1', 1).telemetry('m1', { voltage: 230 })
    world.script
      .profiles({ ...meter, metrics: narrow })
      .pass(1000)
      .telemetry('m1', { voltage: 231 })
    await world.digest()
    expect((await world.stored('m1', 'voltage')).map(([, , quality]) => quality)).toEqual([0, 1])
  })
})

describe('latest', () => {
  test('is the newest time, not the last received, through restarts', async () => {
    const world = new World()
    world.script
      .device('m1', 1)
      .telemetry('m1', { ts: noon - 1000, values: { voltage: 1 } })
      .telemetry('m1', { ts: noon - 9000, values: { voltage: 2 } })
      .telemetry('m1', { ts: noon - 1000, values: { voltage: 500 } })
    await world.digest()
    world.script.tick()
    const ingest = await world.digest()
    const latest = await ingest.queries.latest(Int32Array.of(world.seriesId('m1', 'voltage') ?? 0, 999))
    expect([...latest.timesMs]).toEqual([noon - 1000, Number.NaN])
    expect([...latest.values]).toEqual([500, Number.NaN])
    expect(latest.quality[0]).toBe(1)
  })
})
