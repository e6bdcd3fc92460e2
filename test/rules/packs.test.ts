import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type SimulatedProfile, signalOfProfile } from '../../firmware-sim/index.ts'
import { builtInProfiles, findMetric, isNoData, parseProfileId } from '../../model/index.ts'
import { defaultRules } from '../../rules/index.ts'
import { minute, noon, run, Script, second, story } from './script.ts'

const profiles = Object.keys(signalOfProfile) as SimulatedProfile[]

describe.each(profiles)('the default pack of %s', (name) => {
  const profileId = parseProfileId(name)

  test('is quiet about a healthy device all day long, whatever its seed', async () => {
    const script = new Script()
    for (const rule of defaultRules) script.control(`rule/${rule.id}`, rule)
    const seeds = [1, 2, 3, 4, 5, 6, 7, 8]
    const signals = seeds.map((seed) => {
      script.device(`d${seed}`, { profileId })
      return { id: `d${seed}`, signal: signalOfProfile[name]({ seed, startMs: noon, utcOffsetMs: 7 * 3_600_000 }) }
    })
    for (let s = 60; s <= 24 * 3600; s += 60) {
      script.at(s)
      for (const { id, signal } of signals) script.send(id, { values: signal.sample(noon + s * second) })
    }
    expect(story(await run(script.frames))).toEqual([])
  }, 60_000)

  test('has every limit within the range of its metric', () => {
    const profile = builtInProfiles.find(({ id }) => id === profileId)
    const outside = defaultRules.flatMap(({ id, appliesTo, condition }) => {
      if (!('profile' in appliesTo) || appliesTo.profile !== profileId || isNoData(condition)) return []
      const metric = profile && findMetric(profile, condition.metric)
      const bad = condition.levels.filter(
        ({ value }) => metric === undefined || value < metric.min || value > metric.max,
      )
      return bad.map(({ severity }) => `${id} ${severity}`)
    })
    expect(outside).toEqual([])
  })
})

test('a panel at 465 V between two lines is critical at once, and one that falls silent is missed', async () => {
  const script = new Script()
  for (const rule of defaultRules) script.control(`rule/${rule.id}`, rule)
  script
    .device('p1', { profileId: parseProfileId('meter-3ph') })
    .at(1)
    .send('p1', { values: { voltage_l12: 465, voltage_l1: 230 } })
  script.at(300)
  expect(story(await run(script.frames))).toEqual([
    '1s firing critical meter-3ph-overvoltage-l12 p1.voltage_l12=465',
    '181s firing warning meter-3ph-no-data p1',
  ])
})

test('the guide lists the default packs as they are', () => {
  const rows = defaultRules.map(({ id, condition, forMs }) => {
    const when = isNoData(condition)
      ? `no data for ${condition.noData.intervals} intervals: ${condition.noData.severity}`
      : `${condition.metric} ${condition.levels.map(({ severity, value, clear }) => `${condition.op} ${value} (clears at ${clear}): ${severity}`).join('; ')}`
    return `| ${id} | ${when} | ${forMs / minute} min |`
  })
  const guide = readFileSync(new URL('../../docs/rules.md', import.meta.url), 'utf8')
  expect(guide.split('\n').filter((line) => /^\| [a-z0-9-]+-/.test(line))).toEqual(rows)
})
