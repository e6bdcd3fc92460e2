import { describe, expect, test } from 'vitest'
import { parseDeviceId, parseMetricName, parseProfileId, parseSiteId } from '../../model/index.ts'
import { minute, overvoltage, run, Script, silentForThree, story, storyOf } from './script.ts'

const firing = () => new Script().device('m1').rule('over', overvoltage).at(10).volts('m1', 255)
const begun = '10s firing warning over m1.voltage=255'

describe('a rule that changes while it fires', () => {
  test('goes on as the same alert, judged by the next reading', async () => {
    const stricter = { ...overvoltage, levels: [{ severity: 'critical', value: 240 }] } as const
    const script = firing().at(20).rule('over', stricter, { version: 2 }).at(30)
    script.volts('m1', 245).at(40).volts('m1', 239)
    const transitions = await run(script.frames)
    expect(story(transitions)).toEqual([
      begun,
      '30s severity critical over m1.voltage=245',
      '40s resolved critical over m1.voltage=239',
    ])
    expect(transitions.map(({ ruleVersion }) => ruleVersion)).toEqual([1, 2, 2])
    expect(new Set(transitions.map(({ alertId }) => alertId)).size).toBe(1)
  })

  test('resolves with the next reading that the new version finds well', async () => {
    const milder = { ...overvoltage, levels: [{ severity: 'warning', value: 300 }] } as const
    const script = firing().at(20).rule('over', milder, { version: 2 }).at(30).volts('m1', 255).at(40)
    expect(await storyOf(script)).toEqual([begun, '30s resolved warning over m1.voltage=255'])
  })

  test('a shorter for fires as soon as it is known', async () => {
    const script = new Script().device('m1').rule('over', overvoltage, { forMs: 10 * minute })
    for (let s = 0; s <= 240; s += 60) script.at(s).volts('m1', 255)
    script.at(250).rule('over', overvoltage, { forMs: minute, version: 2 }).at(300)
    expect(await storyOf(script)).toEqual([
      '0s pending warning over m1.voltage=255',
      '250s firing warning over m1.voltage=255',
    ])
  })

  test.each([
    ['disabled', (script: Script) => script.rule('over', overvoltage, { enabled: false, version: 2 }), 'rule_disabled'],
    ['removed', (script: Script) => script.removeRule('over'), 'rule_removed'],
    [
      'about another site',
      (script: Script) => script.rule('over', overvoltage, { appliesTo: { site: parseSiteId('x') } }),
      'out_of_scope',
    ],
    [
      'about another metric',
      (script: Script) => script.rule('over', { ...overvoltage, metric: parseMetricName('current') }),
      'out_of_scope',
    ],
  ])('that is %s resolves its alert', async (_, change, reason) => {
    const script = change(firing().at(20)).at(30).volts('m1', 300).at(400)
    expect(await storyOf(script)).toEqual([begun, `20s resolved warning over m1.voltage=255 ${reason}`])
  })

  test('that is disabled and enabled again fires anew', async () => {
    const script = firing().at(20).rule('over', overvoltage, { enabled: false, version: 2 }).at(30)
    script.rule('over', overvoltage, { version: 3 }).at(40).volts('m1', 255)
    expect(await storyOf(script)).toEqual([
      begun,
      '20s resolved warning over m1.voltage=255 rule_disabled',
      '40s firing warning over m1.voltage=255',
    ])
  })

  test('while it is pending it merely ceases', async () => {
    const script = new Script()
      .device('m1')
      .rule('over', overvoltage, { forMs: 2 * minute })
      .at(10)
      .volts('m1', 255)
    script.at(20).removeRule('over').at(400)
    expect(await storyOf(script)).toEqual([
      '10s pending warning over m1.voltage=255',
      '20s inactive warning over m1.voltage=255',
    ])
  })
})

describe('a device that changes while a rule fires', () => {
  test('removed: resolved', async () => {
    const script = firing().rule('silent', silentForThree).at(20).removeDevice('m1').at(900)
    expect(await storyOf(script)).toEqual([begun, '20s resolved warning over m1.voltage=255 device_removed'])
  })

  test('removed and registered again under its name: another device, which is waited for anew', async () => {
    const script = new Script().device('m1').rule('silent', silentForThree).at(170).removeDevice('m1')
    script.device('m1', { number: 7 }).at(349).at(351)
    expect(await storyOf(script)).toEqual(['350s firing warning silent m1'])
  })

  test('replaced by another of its name without a word: resolved', async () => {
    const script = firing().at(20).device('m1', { number: 9 }).at(30).volts('m1', 230)
    expect(await storyOf(script)).toEqual([begun, '20s resolved warning over m1.voltage=255 device_removed'])
  })

  test('another profile: out of scope; renamed: nothing', async () => {
    const script = firing().at(15).device('m1', { name: 'Main meter' })
    script.at(20).device('m1', { profileId: parseProfileId('meter-3ph') })
    expect(await storyOf(script)).toEqual([begun, '20s resolved warning over m1.voltage=255 out_of_scope'])
  })
})

describe('resolved by hand', () => {
  async function resolvedAt(seconds: number, then: (script: Script) => Script): Promise<string[]> {
    const [first] = await run(firing().frames)
    return storyOf(
      then(
        firing()
          .at(seconds)
          .resolve(first?.alertId ?? ''),
      ),
    )
  }

  test('it fires again only after the condition has ceased once', async () => {
    const lines = await resolvedAt(20, (script) =>
      script.at(30).volts('m1', 270).at(40).volts('m1', 251).at(50).volts('m1', 250).at(60).volts('m1', 255),
    )
    expect(lines).toEqual([
      begun,
      '20s resolved warning over m1.voltage=255 by_hand',
      '60s firing warning over m1.voltage=255',
    ])
  })

  test('an alert that has ended, or never was, is left alone', async () => {
    const [first] = await run(firing().frames)
    const script = firing()
      .at(20)
      .volts('m1', 230)
      .at(30)
      .resolve(first?.alertId ?? '')
      .resolve('0123')
    script.at(40).volts('m1', 255)
    expect(await storyOf(script)).toEqual([
      begun,
      '20s resolved warning over m1.voltage=230',
      '40s firing warning over m1.voltage=255',
    ])
  })

  test('while it only lingers it may fire again at once', async () => {
    const lingering = () =>
      new Script()
        .device('m1')
        .rule('over', overvoltage, { keepFiringForMs: 5 * minute })
        .at(10)
        .volts('m1', 255)
        .at(20)
        .volts('m1', 230)
    const [first] = await run(lingering().frames)
    const script = lingering()
      .at(30)
      .resolve(first?.alertId ?? '')
      .at(40)
      .volts('m1', 255)
    expect(await storyOf(script)).toEqual([
      begun,
      '30s resolved warning over m1.voltage=230 by_hand',
      '40s firing warning over m1.voltage=255',
    ])
  })

  test('silence: fires again only after a message', async () => {
    const silent = () => new Script().device('m1').rule('silent', silentForThree).at(200)
    const [first] = await run(silent().frames)
    const script = silent()
      .resolve(first?.alertId ?? '')
      .at(900)
      .volts('m1', 230)
      .at(1100)
    expect(await storyOf(script)).toEqual([
      '180s firing warning silent m1',
      '200s resolved warning silent m1 by_hand',
      '1080s firing warning silent m1',
    ])
  })
})

describe('who is watched', () => {
  test('a rule about a device, a profile and a site, whichever comes first', async () => {
    const script = new Script()
      .rule('by-device', overvoltage, { appliesTo: { device: parseDeviceId('m1') } })
      .device('m1')
      .device('m2')
      .device('m3', { siteId: parseSiteId('other'), profileId: parseProfileId('own') })
      .rule('by-profile', overvoltage)
      .rule('by-site', overvoltage, { appliesTo: { site: parseSiteId('other') } })
    script.at(1).volts('m3', 255).volts('m2', 255).volts('m1', 255)
    expect(await storyOf(script)).toEqual([
      '1s firing warning by-site m3.voltage=255',
      '1s firing warning by-profile m2.voltage=255',
      '1s firing warning by-device m1.voltage=255',
      '1s firing warning by-profile m1.voltage=255',
    ])
  })

  test('a control frame that cannot be read changes nothing', async () => {
    const script = firing().at(20).control('rule/over', { version: 'two' }).control('device/m1', { id: 'm1' })
    script
      .control('rule/bad id!', {})
      .control('profile/meter-1ph', { metrics: 3 })
      .control('alert/x', {})
      .at(30)
      .volts('m1', 230)
    expect(await storyOf(script)).toEqual([begun, '30s resolved warning over m1.voltage=230'])
  })
})
