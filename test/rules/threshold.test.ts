import { describe, expect, test } from 'vitest'
import { minute, noon, overvoltage, run, Script, second, storyOf } from './script.ts'

const meter = () => new Script().device('m1')

describe('a threshold without for', () => {
  test('fires at the reading that crosses it and resolves at the one that is back across clear', async () => {
    const script = meter().rule('over', overvoltage)
    script.at(1).volts('m1', 230).at(2).volts('m1', 253).at(3).volts('m1', 253.1)
    script.at(4).volts('m1', 251).at(5).volts('m1', 250.1).at(6).volts('m1', 250).at(20).volts('m1', 240)
    expect(await storyOf(script)).toEqual([
      '3s firing warning over m1.voltage=253.1',
      '6s resolved warning over m1.voltage=250',
    ])
  })

  test('without a clear value it resolves at the limit', async () => {
    const script = meter().rule('over', { ...overvoltage, levels: [{ severity: 'info', value: 253 }] })
    script.at(1).volts('m1', 254).at(2).volts('m1', 253.5).at(3).volts('m1', 253)
    expect(await storyOf(script)).toEqual([
      '1s firing info over m1.voltage=254',
      '3s resolved info over m1.voltage=253',
    ])
  })

  test('goes up and down through its severities as one alert', async () => {
    const script = meter().rule('over', overvoltage)
    for (const [seconds, volts] of [
      [1, 255],
      [2, 265],
      [3, 262],
      [4, 261],
      [5, 270],
      [6, 249],
    ] as const)
      script.at(seconds).volts('m1', volts)
    const transitions = await run(script.frames)
    expect(await storyOf(script)).toEqual([
      '1s firing warning over m1.voltage=255',
      '2s severity critical over m1.voltage=265',
      '4s severity warning over m1.voltage=261',
      '5s severity critical over m1.voltage=270',
      '6s resolved critical over m1.voltage=249',
    ])
    expect(new Set(transitions.map(({ alertId }) => alertId)).size).toBe(1)
    expect(transitions.map(({ ordinal }) => ordinal)).toEqual([0, 1, 2, 3, 4])
  })

  test('two crossings are two alerts', async () => {
    const script = meter().rule('over', overvoltage)
    script.at(1).volts('m1', 255).at(2).volts('m1', 230).at(3).volts('m1', 255).at(4).volts('m1', 230)
    const transitions = await run(script.frames)
    expect(transitions.map(({ kind }) => kind)).toEqual(['firing', 'resolved', 'firing', 'resolved'])
    expect(new Set(transitions.map(({ alertId }) => alertId)).size).toBe(2)
  })

  test.each([
    ['>', 10, [10.000001], [10]],
    ['>=', 10, [10], [9.999999999999998]],
    ['<', 0, [-Number.MIN_VALUE], [0]],
    ['<=', 0, [0], [Number.MIN_VALUE]],
    ['>=', 0, [0], [-Number.MIN_VALUE]],
    ['<=', -10, [-10], [-9.999999999999998]],
  ] as const)('%s %d fires at %j and not at %j', async (op, value, [beyond], [within]) => {
    const script = meter().rule('limit', { ...overvoltage, op, levels: [{ severity: 'info', value }] })
    script.at(1).volts('m1', within).at(2).volts('m1', beyond).at(3).volts('m1', within)
    expect((await storyOf(script)).map((line) => line.slice(0, 8))).toEqual(['2s firin', '3s resol'])
  })
})

describe('for', () => {
  const slow = { forMs: 90 * second }

  test('fires by itself when it has passed, between two readings', async () => {
    const script = meter().rule('over', overvoltage, slow)
    script.at(10).volts('m1', 255).at(70).volts('m1', 256).at(130).volts('m1', 257).at(190).volts('m1', 230)
    expect(await storyOf(script)).toEqual([
      '10s pending warning over m1.voltage=255',
      '100s firing warning over m1.voltage=256',
      '190s resolved warning over m1.voltage=230',
    ])
  })

  test('does not fire when the condition ceases before', async () => {
    const script = meter().rule('over', overvoltage, slow)
    script.at(10).volts('m1', 255).at(70).volts('m1', 251).at(99).volts('m1', 249).at(300)
    expect(await storyOf(script)).toEqual([
      '10s pending warning over m1.voltage=255',
      '99s inactive warning over m1.voltage=249',
    ])
  })

  test('counts for each level on its own', async () => {
    const script = meter().rule('over', overvoltage, slow)
    for (let s = 0; s < 60; s += 20) script.at(s).volts('m1', 255)
    for (let s = 60; s < 200; s += 20) script.at(s).volts('m1', 270)
    for (let s = 200; s < 260; s += 20) script.at(s).volts('m1', 255)
    script.at(260).volts('m1', 230).at(400)
    expect(await storyOf(script)).toEqual([
      '0s pending warning over m1.voltage=255',
      '90s firing warning over m1.voltage=270',
      '150s severity critical over m1.voltage=270',
      '200s severity warning over m1.voltage=255',
      '260s resolved warning over m1.voltage=230',
    ])
  })

  test('a last value holds for three intervals: a pending alert of a silent series is over, and begins anew', async () => {
    const script = meter().rule('over', overvoltage, { forMs: 10 * minute })
    script.at(0).volts('m1', 255).at(500).volts('m1', 255).at(560).volts('m1', 230).at(700)
    expect(await storyOf(script)).toEqual([
      '0s pending warning over m1.voltage=255',
      '180.001s inactive warning over m1.voltage=255',
      '500s pending warning over m1.voltage=255',
      '560s inactive warning over m1.voltage=230',
    ])
  })

  test('what an alert was waiting for in silence does not make it worse', async () => {
    const script = meter().rule('over', overvoltage, { forMs: 4 * minute })
    for (let s = 0; s <= 240; s += 60) script.at(s).volts('m1', 255)
    script.at(300).volts('m1', 270).at(900).volts('m1', 262).at(1200)
    expect(await storyOf(script)).toEqual([
      '0s pending warning over m1.voltage=255',
      '240s firing warning over m1.voltage=255',
    ])
  })

  test('runs on the time of the readings: a backlog fires and resolves in its own past', async () => {
    const script = meter().rule('over', overvoltage, slow)
    const rows = [
      { timeS: -600, values: { voltage: 230 } },
      { timeS: -540, values: { voltage: 255 } },
      { timeS: -480, values: { voltage: 255 } },
      { timeS: -420, values: { voltage: 255 } },
      { timeS: -360, values: { voltage: 230 } },
    ]
    script
      .at(5)
      .send('m1', ...rows)
      .at(200)
    expect(await storyOf(script)).toEqual([
      '-540s pending warning over m1.voltage=255',
      '-450s firing warning over m1.voltage=255',
      '-360s resolved warning over m1.voltage=230',
    ])
  })

  test('in a backlog with a hole the value before the hole holds no longer than elsewhere', async () => {
    const script = meter().rule('over', overvoltage, { forMs: 10 * minute })
    const rows = [-3000, -600, -540].map((timeS) => ({ timeS, values: { voltage: 255 } }))
    script.at(0).send('m1', ...rows)
    expect(await storyOf(script)).toEqual([
      '-3000s pending warning over m1.voltage=255',
      '-2819.999s inactive warning over m1.voltage=255',
      '-600s pending warning over m1.voltage=255',
    ])
  })

  test('does not run while the platform is down', async () => {
    const script = meter().rule('over', overvoltage, slow)
    script.at(0).volts('m1', 255).at(30).down(600).at(700)
    const [, firing] = await run(script.frames)
    expect(await storyOf(script)).toEqual([
      '0s pending warning over m1.voltage=255',
      '90s firing warning over m1.voltage=255',
    ])
    // Thirty of its ninety seconds had passed before; the others began with the first frame, a second after the start.
    expect(firing?.receivedMs).toBe(noon + 661 * second)
  })
})

describe('keepFiringFor', () => {
  const sticky = { keepFiringForMs: 2 * minute }

  test('keeps the alert firing until it has passed since the condition ceased', async () => {
    const script = meter().rule('over', overvoltage, sticky)
    script.at(0).volts('m1', 255).at(60).volts('m1', 230).at(120).volts('m1', 231).at(400)
    expect(await storyOf(script)).toEqual([
      '0s firing warning over m1.voltage=255',
      '180s resolved warning over m1.voltage=231',
    ])
  })

  test('begins anew when the condition comes back', async () => {
    const script = meter().rule('over', overvoltage, sticky)
    script.at(0).volts('m1', 265).at(60).volts('m1', 230).at(120).volts('m1', 266).at(180).volts('m1', 230).at(400)
    expect(await storyOf(script)).toEqual([
      '0s firing critical over m1.voltage=265',
      '300s resolved critical over m1.voltage=230',
    ])
  })

  test('ends also when the device says nothing more', async () => {
    const script = meter().rule('over', overvoltage, { keepFiringForMs: 10 * minute })
    script.at(0).volts('m1', 255).at(60).volts('m1', 230).at(2000)
    expect((await storyOf(script))[1]).toBe('660s resolved warning over m1.voltage=230')
  })
})

describe('readings that say nothing new', () => {
  test('an alert stays while the device is silent', async () => {
    const script = meter().rule('over', overvoltage).at(0).volts('m1', 255).at(4000)
    expect(await storyOf(script)).toEqual(['0s firing warning over m1.voltage=255'])
  })

  test('a clock that is set back does not turn an alert’s story around', async () => {
    const script = meter().rule('over', overvoltage, { forMs: minute })
    script.at(0).volts('m1', 255)
    // Fires at 60 s by the clock of the series; then a reading comes that was taken at 55 s.
    script.at(70).send('m1', { timeS: 55, values: { voltage: 230 } })
    expect(await storyOf(script)).toEqual([
      '0s pending warning over m1.voltage=255',
      '60s firing warning over m1.voltage=255',
      '60s resolved warning over m1.voltage=230',
    ])
  })
})

test('evidence holds the values, the limits and the clock', async () => {
  const script = meter().rule('over', overvoltage, { forMs: 90 * second, name: 'Over' })
  script.at(10).volts('m1', 255).at(70).volts('m1', 256).at(130).volts('m1', 230)
  const transitions = await run(script.frames)
  expect(transitions[1]).toMatchObject({
    ordinal: 1,
    kind: 'firing',
    severity: 'warning',
    reason: null,
    ruleId: 'over',
    ruleVersion: 1,
    ruleName: 'Over',
    siteId: 'main',
    receivedMs: 1_795_435_300_000,
    value: 256,
    evidence: {
      kind: 'threshold',
      op: '>',
      limit: 253,
      clear: 250,
      value: 256,
      unit: 'V',
      quality: 'good',
      readingTimeMs: 1_795_435_270_000,
      sinceMs: 1_795_435_210_000,
      forMs: 90_000,
      keepFiringForMs: 0,
      decidedBy: 'timer',
    },
  })
  expect(transitions[2]).toMatchObject({
    reason: 'condition_cleared',
    evidence: { value: 230, sinceMs: 1_795_435_330_000, decidedBy: 'reading' },
  })
})
