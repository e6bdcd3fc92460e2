import { expect, test } from 'vitest'
import { parseProfileId } from '../../model/index.ts'
import { noon, run, Script, second, silentForThree, storyOf } from './script.ts'

const rule = (script = new Script()) => script.rule('silent', silentForThree)

test('a device that was registered and never heard is silent after three intervals', async () => {
  const script = rule().at(10).device('m1').at(400)
  expect(await storyOf(script)).toEqual(['190s firing warning silent m1'])
  const [firing] = await run(script.frames)
  expect(firing).toMatchObject({
    metric: null,
    value: null,
    receivedMs: noon + 190 * second,
    evidence: {
      kind: 'no_data',
      lastSeenMs: null,
      armedMs: noon + 10 * second,
      intervals: 3,
      intervalMs: 60_000,
      downtimeMs: 0,
    },
  })
})

test('every message puts it off, and the first one after it ends it', async () => {
  const script = rule().device('m1')
  script.at(100).volts('m1', 230).at(200).volts('m1', 230).at(500).volts('m1', 230).at(600).volts('m1', 230).at(790)
  expect(await storyOf(script)).toEqual([
    '380s firing warning silent m1',
    '500s resolved warning silent m1',
    '780s firing warning silent m1',
  ])
  const [firing] = await run(script.frames)
  expect(firing?.evidence).toMatchObject({ lastSeenMs: noon + 200 * second })
})

test('the time of a message counts, not that of its readings', async () => {
  const script = rule().device('m1')
  script
    .at(100)
    .send('m1', { timeS: -9000, values: { voltage: 230 } })
    .at(279)
  expect(await storyOf(script)).toEqual([])
})

test('ten intervals without the platform are nobody’s silence', async () => {
  const script = rule().device('m1').at(60).volts('m1', 230).down(720).at(721).volts('m1', 230).at(880)
  expect(await storyOf(script)).toEqual([])
})

test('the downtime does not count, the silence before and after it does', async () => {
  const script = rule().device('m1').at(60).volts('m1', 230).at(90).down(690).at(900)
  const transitions = await run(script.frames)
  // 30 s before, 150 s from the first frame after it on, which comes at 691 s.
  expect(await storyOf(script)).toEqual(['841s firing warning silent m1'])
  expect(transitions[0]?.evidence).toMatchObject({ lastSeenMs: noon + 60 * second, downtimeMs: 601 * second })
})

test('a platform that is merely slow is not down', async () => {
  const script = rule().device('m1')
  for (let s = 5; s <= 200; s += 5) script.down(s).control('site/main', {})
  expect(await storyOf(script)).toEqual(['180s firing warning silent m1'])
})

test('a rule that begins to apply later waits from then on', async () => {
  const script = new Script().device('m1').at(500)
  rule(script).at(700)
  expect(await storyOf(script)).toEqual(['680s firing warning silent m1'])
})

test('a device that moves into a rule’s reach is waited for from then on', async () => {
  const script = rule().device('m1', { profileId: parseProfileId('transformer') })
  script.at(500).device('m1').at(700)
  expect(await storyOf(script)).toEqual(['680s firing warning silent m1'])
})

test('each rule of a device waits for as long as it says', async () => {
  const longer = { noData: { intervals: 5, severity: 'critical' } } as const
  const script = rule().rule('gone', longer).device('m1').at(310).volts('m1', 230).at(400)
  expect(await storyOf(script)).toEqual([
    '180s firing warning silent m1',
    '300s firing critical gone m1',
    '310s resolved critical gone m1',
    '310s resolved warning silent m1',
  ])
})

test('a shorter version fires as soon as it is known, not in the past', async () => {
  const script = rule().device('m1').at(150)
  script.rule('silent', { noData: { intervals: 1, severity: 'warning' } }, { version: 2 }).at(400)
  const [firing] = await run(script.frames)
  expect(firing).toMatchObject({ ruleVersion: 2, timeMs: noon + 150 * second, receivedMs: noon + 150 * second })
})

test('a shorter interval of the profile counts like a shorter rule', async () => {
  const script = rule().device('m1').at(100)
  script.control('profile/meter-1ph', { id: 'meter-1ph', name: '', reportingIntervalMs: 10_000, metrics: [] }).at(400)
  expect(await storyOf(script)).toEqual(['100s firing warning silent m1'])
})

test('a device in the place of one that is gone was never heard', async () => {
  const script = rule().device('m1').at(100).volts('m1', 230).at(120).removeDevice('m1').device('m2').at(400)
  const [firing] = await run(script.frames)
  expect(await storyOf(script)).toEqual(['300s firing warning silent m2'])
  expect(firing?.evidence).toMatchObject({ lastSeenMs: null, armedMs: noon + 120 * second })
})

test('each of many devices is heard for itself', async () => {
  const script = rule()
  const ids = Array.from({ length: 200 }, (_, i) => `m${i}`)
  for (const id of ids) script.device(id)
  script.at(100)
  for (const id of ids) if (id !== 'm150') script.volts(id, 230)
  expect(await storyOf(script.at(279))).toEqual(['180s firing warning silent m150'])
})
