import { describe, expect, test } from 'vitest'
import { noon } from './frame-script.ts'
import { World } from './world.ts'

const good = 0
const suspect = 1
const hourMs = 3_600_000

/** One device `m1` of profile meter-1ph. */
function worldWithMeter(): World {
  const world = new World()
  world.script.device('m1', 1)
  return world
}

async function rejectedOf(world: World): Promise<readonly (readonly [string, string])[]> {
  await world.digest()
  return world.rejected.map(({ reason, detail }) => [reason, detail] as const)
}

describe('native telemetry', () => {
  test('without a time is stored at its arrival', async () => {
    const world = worldWithMeter()
    world.script.telemetry('m1', { voltage: 229.8, current: 4 })
    await world.digest()
    expect(await world.content()).toEqual({
      'm1 1 voltage': [[0, 229.8, good]],
      'm1 1 current': [[0, 4, good]],
    })
  })

  test('with a time in milliseconds, in seconds or as RFC 3339 is stored at that time', async () => {
    const world = worldWithMeter()
    world.script
      .telemetry('m1', { ts: noon - 3000, values: { voltage: 1 } })
      .telemetry('m1', { ts: (noon - 2000) / 1000, values: { voltage: 2 } })
      .telemetry('m1', { ts: '2026-11-23T18:59:59+07:00', values: { voltage: 3 } })
    await world.digest()
    expect(await world.stored('m1', 'voltage')).toEqual([
      [-3000, 1, good],
      [-2000, 2, good],
      [-1000, 3, good],
    ])
  })

  test('as an array is a backlog of both forms', async () => {
    const world = worldWithMeter()
    world.script.telemetry('m1', [{ ts: noon - 5000, values: { voltage: 1 } }, { voltage: 2 }])
    await world.digest()
    expect(await world.stored('m1', 'voltage')).toEqual([
      [-5000, 1, good],
      [0, 2, good],
    ])
  })

  test('understands a time beside the values', async () => {
    const world = worldWithMeter()
    world.script.telemetry('m1', { ts: noon - 1000, voltage: 1 }).telemetry('m1', { voltage: 2, ts: noon })
    await world.digest()
    expect(await world.stored('m1', 'voltage')).toEqual([
      [-1000, 1, good],
      [0, 2, good],
    ])
  })

  test('stores booleans as 0 and 1', async () => {
    const world = worldWithMeter()
    world.script.telemetry('m1', { relay: true, alarm: false })
    await world.digest()
    expect(await world.stored('m1', 'relay')).toEqual([[0, 1, good]])
    expect(await world.stored('m1', 'alarm')).toEqual([[0, 0, good]])
  })

  test('keeps the good values beside bad ones and lists the bad', async () => {
    const world = worldWithMeter()
    world.script.publish(
      'pel/v1/m1/telemetry',
      '{"voltage":230,"current":"4","power":null,"energy":1e999,"frequency":NaN,"2bad":1,"x":{"y":1},"power_factor":0.9}',
    )
    const rejected = await rejectedOf(world)
    expect(await world.content()).toEqual({ 'm1 1 voltage': [[0, 230, good]], 'm1 1 power_factor': [[0, 0.9, good]] })
    expect(rejected).toEqual([
      ['wrong_type', 'current: "4", power: null, x: an object'],
      ['not_finite', 'energy: not a finite number, frequency: not a finite number'],
      ['bad_metric_name', '"2bad"'],
    ])
  })

  test('leaves words in strings alone when bare ones are refused', async () => {
    const world = worldWithMeter()
    world.script.publish('pel/v1/m1/telemetry', '{"a":-Infinity,"s":"NaN \\" Infinity","voltage":2}')
    const rejected = await rejectedOf(world)
    expect(rejected.map(([reason]) => reason)).toEqual(['not_finite', 'wrong_type'])
    expect(await world.stored('m1', 'voltage')).toEqual([[0, 2, good]])
  })

  test.each([
    ['deep nesting', '['.repeat(2_000_000)],
    ['deep nesting in a value', `{"a":${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}}`],
    ['a long string beside a bare word', `{"a":NaN,"s":"${'\\"'.repeat(1_000_000)}"`],
    ['many quotes beside a bare word', `NaN${'"'.repeat(2_000_000)}`],
    ['a number of a million digits', `{"voltage":${'9'.repeat(1_000_000)}}`],
    ['many members', `{${Array.from({ length: 100_000 }, (_, i) => `"${i}":1`).join(',')}}`],
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00, 0x22]).toString('latin1')],
  ])('%s costs only its message', async (_, payload) => {
    const world = worldWithMeter()
    world.script.publish('pel/v1/m1/telemetry', payload).telemetry('m1', { voltage: 1 })
    await world.digest()
    expect(world.rejected.length).toBeGreaterThan(0)
    expect(await world.stored('m1', 'voltage')).toEqual([[0, 1, good]])
  })

  test('takes the last of two members with one name', async () => {
    const world = worldWithMeter()
    world.script
      .telemetry('m1', { voltage: 1, current: 1 })
      .pass(1000)
      .publish('pel/v1/m1/telemetry', '{"voltage":2,"current":2,"voltage":3}')
    await world.digest()
    expect(await world.stored('m1', 'voltage')).toEqual([
      [0, 1, good],
      [1000, 3, good],
    ])
  })

  test.each([
    ['not json', 'not_json'],
    ['', 'not_json'],
    ['{"voltage":1', 'not_json'],
    ['{"voltage":01}', 'not_json'],
    ['[]', 'wrong_shape'],
    ['{}', 'wrong_shape'],
    ['12', 'wrong_shape'],
    ['[1]', 'wrong_shape'],
    ['{"ts":"yesterday","values":{"voltage":1}}', 'wrong_type'],
    ['{"ts":"2026-02-30T00:00:00Z","values":{"voltage":1}}', 'wrong_type'],
    ['{"ts":null,"values":{"voltage":1}}', 'wrong_type'],
    ['{"values":7}', 'wrong_type'],
    ['{"__proto__":{"voltage":1}}', 'bad_metric_name'],
  ])('%j is rejected as %s', async (payload, reason) => {
    const world = worldWithMeter()
    world.script.publish('pel/v1/m1/telemetry', payload)
    expect((await rejectedOf(world)).map(([found]) => found)).toEqual([reason])
    expect(await world.content()).toEqual({})
  })

  test('of a device or on a topic that is not known is rejected with its payload', async () => {
    const world = worldWithMeter()
    world.script
      .publish('pel/v1/ghost/telemetry', '{"voltage":1}', { from: 'm1/c1' })
      .publish('some/where', 'x', { from: 'm1/c1' })
    await world.digest()
    expect(world.rejected).toMatchObject([
      { timeMs: noon, deviceId: 'ghost', clientId: 'c1', topic: 'pel/v1/ghost/telemetry', reason: 'unknown_device' },
      { deviceId: null, topic: 'some/where', reason: 'unknown_topic' },
    ])
    expect(world.rejected.map(({ payload }) => Buffer.from(payload).toString())).toEqual(['{"voltage":1}', 'x'])
  })
})

describe('time', () => {
  test('two messages within a millisecond stay two readings', async () => {
    const world = worldWithMeter()
    world.script.telemetry('m1', { voltage: 1 }).telemetry('m1', { voltage: 2 }).telemetry('m1', { current: 3 })
    await world.digest()
    expect(await world.stored('m1', 'voltage')).toEqual([
      [0, 1, good],
      [1, 2, good],
    ])
    expect(await world.stored('m1', 'current')).toEqual([[1, 3, good]])
  })

  test('a clock more than five minutes ahead: stored at arrival, suspect, once', async () => {
    const world = worldWithMeter()
    const ahead = { ts: noon + 7 * hourMs, values: { voltage: 5 } }
    world.script.telemetry('m1', ahead).pass(60_000).telemetry('m1', ahead)
    await world.digest()
    expect(await world.stored('m1', 'voltage')).toEqual([[0, 5, suspect]])
  })

  test('exactly five minutes ahead is believed, and what has no time of its own comes behind it', async () => {
    const world = worldWithMeter()
    world.script
      .telemetry('m1', { ts: noon + 300_000, values: { voltage: 4 } })
      .telemetry('m1', { ts: noon + 300_001, values: { voltage: 5 } })
      .telemetry('m1', { voltage: 6 })
    await world.digest()
    expect(await world.stored('m1', 'voltage')).toEqual([
      [300_000, 4, good],
      [300_001, 5, suspect],
      [300_002, 6, good],
    ])
  })

  test('a clock ahead that is believed by the time the reading is sent again: still one reading', async () => {
    const world = worldWithMeter()
    const reading = { ts: noon + 301_500, values: { voltage: 5 } }
    world.script.telemetry('m1', reading).pass(2500).telemetry('m1', reading, { session: 2 })
    await world.digest()
    expect(await world.stored('m1', 'voltage')).toEqual([[0, 5, suspect]])
  })

  test('a clock seven hours ahead that is put right: its times count when they have come', async () => {
    const world = worldWithMeter()
    const reading = { ts: noon + 7 * hourMs, values: { relay: 1 } }
    world.script
      .telemetry('m1', reading)
      .pass(7 * hourMs)
      .telemetry('m1', reading)
    await world.digest()
    expect(await world.stored('m1', 'relay')).toEqual([
      [0, 1, suspect],
      [7 * hourMs, 1, good],
    ])
  })

  test.each([
    ['redelivered', { packetId: 7 }, { packetId: 7, dup: true }],
    ['sent again in a new session', { packetId: 7, session: 1 }, { packetId: 1, session: 2 }],
  ])('a long backlog of a clock that is ahead, %s, counts once', async (_, once, again) => {
    const world = worldWithMeter()
    const backlog = Array.from({ length: 1000 }, (_, i) => ({ ts: noon + 600_000 + i * 1000, values: { voltage: i } }))
    world.script.telemetry('m1', backlog, once)
    await world.digest()
    world.script.pass(2000).telemetry('m1', backlog, again)
    const ingest = await world.digest()
    expect((await world.stored('m1', 'voltage')).length).toBe(1000)
    expect((await ingest.queries.stats()).redeliveries).toBe(1)
  })

  test('a backlog redelivered when some of its times have come to be believed counts once', async () => {
    const world = worldWithMeter()
    const backlog = Array.from({ length: 600 }, (_, i) => ({ ts: noon + 301_000 + i * 1000, values: { voltage: i } }))
    world.script
      .telemetry('m1', backlog, { packetId: 7 })
      .pass(3_600_000)
      .telemetry('m1', backlog, { packetId: 7, dup: true })
    await world.digest()
    expect((await world.stored('m1', 'voltage')).length).toBe(600)
  })

  test('a reading without a time leaves alone those with one, of the same millisecond too', async () => {
    const world = worldWithMeter()
    for (let k = 0; k < 300; k++) {
      const rows = [0, 1, 2, 3].map((i) => ({ ts: noon + k * 10 + i, values: { voltage: i } }))
      world.script.telemetry('m1', [...rows, { voltage: 5 }])
    }
    await world.digest()
    const stored = await world.stored('m1', 'voltage')
    expect(stored.length).toBe(1500)
    expect(stored.filter(([, value]) => value === 5).length).toBe(300)
  })

  test('without a time, more than the milliseconds of five minutes: the rest is rejected, not overwritten', async () => {
    const world = worldWithMeter()
    world.script.telemetry('m1', { ts: noon + 300_000, values: { voltage: 1 } })
    for (let message = 0; message < 5; message++)
      world.script.telemetry(
        'm1',
        Array.from({ length: 75_000 }, (_, i) => ({ voltage: message * 75_000 + i })),
      )
    const ingest = await world.digest({ stuckIntervals: 0 })
    const stored = await world.stored('m1', 'voltage')
    expect(stored.length).toBe(300_001)
    expect(stored.at(-1)).toEqual([600_000, 299_999, suspect])
    expect(world.rejected).toMatchObject([{ reason: 'too_fast', detail: expect.stringContaining('75000 rows') }])
    expect((await ingest.queries.stats()).duplicates).toBe(0)
  })

  test('a backlog of a clock that is ahead keeps all its readings', async () => {
    const world = worldWithMeter()
    world.script.telemetry(
      'm1',
      [0, 1, 2].map((i) => ({ ts: noon + 7 * hourMs + i * 1000, values: { voltage: i } })),
    )
    await world.digest()
    expect(await world.stored('m1', 'voltage')).toEqual([
      [0, 0, suspect],
      [1, 1, suspect],
      [2, 2, suspect],
    ])
  })

  test('absurdly ahead or older than the late horizon is rejected, to the millisecond', async () => {
    const world = worldWithMeter()
    const dayMs = 24 * hourMs
    world.script
      .telemetry('m1', { ts: noon + dayMs, values: { voltage: 1 } })
      .telemetry('m1', { ts: noon + dayMs + 1, values: { voltage: 2 } })
      .telemetry('m1', { ts: noon - 35 * dayMs, values: { voltage: 3 } })
      .telemetry('m1', { ts: noon - 35 * dayMs - 1, values: { voltage: 4 } })
    const rejected = await rejectedOf(world)
    expect(rejected.map(([reason]) => reason)).toEqual(['clock_ahead', 'too_old'])
    expect((await world.stored('m1', 'voltage')).map(([, value]) => value)).toEqual([3, 1])
  })
})

describe('a scalar topic', () => {
  test('is a metric of the device that it names, under our name for it', async () => {
    const world = worldWithMeter()
    world.script
      .publish('panel/m1/volt', '229.8')
      .publish('panel/m1/energy_cost', ' +7.50 ')
      .publish('panel/m1/power', '{"value":-3,"ts":1795435199}')
      .publish('panel/m1/relay', 'true')
      .pass(1000)
      .publish('panel/m1/volt', '230.25')
      .publish('panel/m1/power', '-1e3')
    await world.digest()
    expect(await world.content()).toEqual({
      'm1 1 voltage': [
        [0, 229.8, good],
        [1000, 230.25, good],
      ],
      'm1 1 energy_cost': [[0, 7.5, good]],
      'm1 1 power': [
        [-1000, -3, good],
        [1000, -1000, good],
      ],
      'm1 1 relay': [[0, 1, good]],
    })
  })

  test.each([
    ['abc', 'wrong_type'],
    ['"229.8"', 'wrong_type'],
    ['', 'wrong_type'],
    ['nan', 'not_finite'],
    ['1e999', 'not_finite'],
    ['{"v":1}', 'wrong_shape'],
    ['[1]', 'wrong_type'],
  ])('with payload %j is rejected as %s', async (payload, reason) => {
    const world = worldWithMeter()
    world.script.publish('panel/m1/volt', payload)
    expect((await rejectedOf(world)).map(([found]) => found)).toEqual([reason])
  })
})

describe('limits', () => {
  test('too many metrics cost only the new ones', async () => {
    const world = new World()
    world.script
      .device('m1', 1, { limits: { metrics: 2 } })
      .telemetry('m1', { a: 1, b: 2, c: 3 })
      .pass(1000)
      .telemetry('m1', { c: 4, a: 5 })
    const rejected = await rejectedOf(world)
    expect(rejected).toEqual([
      ['too_many_metrics', 'c'],
      ['too_many_metrics', 'c'],
    ])
    expect(await world.content()).toEqual({
      'm1 1 a': [
        [0, 1, good],
        [1000, 5, good],
      ],
      'm1 1 b': [[0, 2, good]],
    })
  })

  test('at most 100 messages a second and device are listed, the rest is counted', async () => {
    const world = worldWithMeter()
    world.script.device('m2', 2)
    for (let i = 0; i < 150; i++) world.script.publish('pel/v1/m1/telemetry', 'x')
    world.script.publish('pel/v1/m2/telemetry', 'x').pass(1000).publish('pel/v1/m1/telemetry', 'x')
    const ingest = await world.digest()
    expect(world.rejected.length).toBe(102)
    const stats = await ingest.queries.stats()
    expect(stats.rejected.not_json).toBe(152)
    expect(stats.rejectedUnlisted).toBe(50)
  })

  test('a payload larger than ingest decodes is rejected and cut', async () => {
    const world = worldWithMeter()
    world.script.publish('pel/v1/m1/telemetry', `{"voltage":1${' '.repeat(5000)}}`)
    await world.digest({ maxPayloadBytes: 1024 })
    expect(world.rejected).toMatchObject([{ reason: 'payload_too_large', detail: '5013 bytes' }])
    expect(world.rejected[0]?.payload.length).toBe(4096)
  })
})
