import { describe, expect, test } from 'vitest'
import {
  createFirmware,
  createRandom,
  type Device,
  type FaultKind,
  type MeasuringPoint,
  type SentMessage,
  type SimulatedProfile,
  signalOfProfile,
  type Telemetry,
} from '../../firmware-sim/index.ts'

const startMs = 1_795_341_600_000
const intervalMs = 1_000

/** A device whose messages arrive at once, unless it lost its connection. */
function createFakeDevice() {
  const sent: Telemetry[] = []
  let connected = true
  let drops = 0
  const device: Device = {
    id: 'd',
    counts: { sent: 0, acked: 0, reconnects: 0 },
    get connected() {
      return connected
    },
    busy: false,
    messages: [],
    start: async () => {},
    send(telemetry) {
      sent.push(telemetry)
      return { sentMs: startMs, ackedMs: startMs, rows: telemetry.rows } satisfies SentMessage
    },
    sayOnline() {},
    drop() {
      connected = false
      drops++
    },
    comeBack() {
      connected = true
    },
    stop: async () => {},
  }
  return { device, sent, drops: () => drops }
}

/** A minute of a device that has the fault from 10 s to 20 s, and again from 30 s to 40 s. */
function run(kind: FaultKind | undefined, profile: SimulatedProfile = 'meter-1ph') {
  const fake = createFakeDevice()
  const signal = signalOfProfile[profile]({ seed: 3, startMs, utcOffsetMs: 0 })
  const point: MeasuringPoint = { name: 'p', profile, signal }
  const episodes = [10_000, 30_000].map((fromMs) => ({ fromMs, toMs: fromMs + 10_000 }))
  const fault = kind === undefined ? undefined : { kind, episodes }
  const random = createRandom(1)
  const firmware = createFirmware({ device: fake.device, point, fault, reportingIntervalMs: intervalMs, random })
  for (let elapsedMs = 0; elapsedMs < 60_000; elapsedMs += intervalMs) firmware.tick(startMs + elapsedMs, elapsedMs)
  firmware.recover()
  const rows = fake.sent.flatMap((telemetry) => telemetry.rows)
  return { ...fake, rows, secondsOf: rows.map(({ timeMs }) => (timeMs - startMs) / 1_000) }
}

const ascending = (numbers: readonly number[]) => numbers.every((each, i) => i === 0 || each > (numbers[i - 1] ?? each))

describe('firmware', () => {
  test('without a fault reports every measurement, one by one', () => {
    const { sent, secondsOf } = run(undefined)
    expect(sent.length).toBe(60)
    expect(secondsOf).toEqual(Array.from({ length: 60 }, (_, second) => second))
    expect(JSON.parse(sent[7]?.payload ?? '')).toEqual({ ts: startMs + 7_000, values: sent[7]?.rows[0]?.values })
  })

  test.each(['meter-1ph', 'meter-3ph', 'transformer', 'weather-station'] as const)(
    '%s: out of range, a quantity leaves the band that it keeps otherwise',
    (profile) => {
      const faulty = run('out-of-range', profile).rows
      const healthy = run(undefined, profile).rows
      expect(faulty.length).toBe(60)
      const apart = faulty.map(({ values }, i) =>
        Math.max(
          ...Object.entries(values).map(([metric, value]) => Math.abs(value / (healthy[i]?.values[metric] ?? 1) - 1)),
        ),
      )
      expect(Math.min(...apart.slice(10, 20))).toBeGreaterThan(0.05)
      expect(Math.max(...apart.slice(0, 10), ...apart.slice(50))).toBeLessThan(0.01)
    },
  )

  test('stuck: repeats one measurement under new times', () => {
    const { rows, secondsOf } = run('stuck')
    expect(ascending(secondsOf)).toBe(true)
    expect(new Set(rows.slice(10, 20).map(({ values }) => JSON.stringify(values))).size).toBe(1)
    expect(rows[20]?.values).not.toEqual(rows[19]?.values)
  })

  test('duplicates: sends everything twice, in one message or in two', () => {
    const { sent, secondsOf } = run('duplicates')
    expect(secondsOf.filter((second) => second === 12).length).toBe(2)
    expect(new Set(secondsOf).size).toBe(60)
    expect(new Set(sent.map(({ rows }) => rows.length))).toEqual(new Set([1, 2]))
  })

  test('out of order: the newest overtakes, and what was too high is never the newest', () => {
    const { rows, secondsOf } = run('out-of-order')
    expect(ascending(secondsOf)).toBe(false)
    let newest = 0
    const wrong = rows.filter(({ timeMs, values }) => {
      const isNewest = timeMs > newest
      newest = Math.max(newest, timeMs)
      return isNewest && ((values['voltage'] ?? 0) > 253 || (values['current'] ?? 0) > 60)
    })
    expect(wrong).toEqual([])
    expect(rows.some(({ values }) => (values['voltage'] ?? 0) > 253)).toBe(true)
  })

  test('clock skew: times are ahead, behind and absurd, and the absurd ones must be rejected', () => {
    const { sent } = run('clock-skew')
    expect(new Set(sent.map(({ rejected }) => rejected))).toEqual(new Set([undefined, 'clock_ahead', 'too_old']))
    expect(sent.flatMap(({ rows }) => rows).filter(({ clock }) => clock === 'ahead').length).toBe(6)
    for (const { rejected, rows } of sent) expect(rows.length).toBe(rejected === undefined ? 1 : 0)
  })

  test('bad payloads: each has its reason, and good values beside bad ones count', () => {
    const { sent } = run('bad-payload')
    const bad = sent.filter(({ rejected }) => rejected !== undefined)
    expect(bad.length).toBe(20)
    expect(new Set(bad.map(({ rejected }) => rejected))).toEqual(
      new Set(['not_json', 'wrong_shape', 'wrong_type', 'not_finite', 'bad_metric_name']),
    )
    expect(bad.some(({ rows }) => rows.length === 1)).toBe(true)
  })

  test('silence: hangs, then dies; nothing is measured meanwhile', () => {
    const { secondsOf, drops } = run('silence')
    expect(secondsOf.filter((second) => second >= 10 && second < 20)).toEqual([])
    expect(secondsOf.filter((second) => second >= 30 && second < 40)).toEqual([])
    expect(drops()).toBe(1)
  })

  test('a reconnect storm: what was measured without a connection comes as a backlog, all of it', () => {
    const { sent, secondsOf, drops } = run('reconnect-storm')
    expect(drops()).toBe(6)
    expect([...secondsOf].sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, second) => second))
    expect(sent.some(({ rows }) => rows.length > 1)).toBe(true)
    expect(ascending(secondsOf)).toBe(true)
  })
})
