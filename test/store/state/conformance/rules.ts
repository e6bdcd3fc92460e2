import { describe, expect, test } from 'vitest'
import { parseMetricName, parseProfileId, parseRuleId, type RuleRecord } from '../../../../model/index.ts'
import type { RuleVersion } from '../../../../store/state/index.ts'
import {
  actor,
  device,
  deviceId,
  type MakeStatePlace,
  meter,
  north,
  profile,
  refusal,
  rule,
  site,
  south,
  useState,
  walk,
} from '../harness.ts'

export function describeRules(make: MakeStatePlace): void {
  describe('rules', () => {
    const bench = useState(make)
    const high = rule('high').id

    test('a rule is read as it was written, as version 1, and goes to the log whole', async () => {
      const { state, change, takeOutbox } = bench()
      await takeOutbox()
      const made = await change((unit) => unit.rules.create(rule('high')))
      expect(made).toEqual({ ...rule('high'), version: 1 })
      expect(await state.rules.get(high)).toEqual(made)
      const [frame] = await state.outbox.pending(10)
      expect([frame?.topic, JSON.parse(Buffer.from(frame?.payload ?? '').toString())]).toEqual(['rule/high', made])
      expect(await takeOutbox()).toHaveLength(1)
    })

    test('without an id it gets one of its own', async () => {
      const { change } = bench()
      const { id: _, ...input } = rule('ignored')
      const ids = [await change((unit) => unit.rules.create(input)), await change((unit) => unit.rules.create(input))]
      expect(new Set(ids.map(({ id }) => id)).size).toBe(2)
      for (const { id } of ids) await change((unit) => unit.rules.remove(id))
    })

    test('no data is a condition too', async () => {
      const { state, change } = bench()
      const silent = rule('silent', { condition: { noData: { intervals: 3, severity: 'warning' } } })
      await change((unit) => unit.rules.create(silent))
      expect(await state.rules.get(silent.id)).toMatchObject(silent)
      await change((unit) => unit.rules.remove(silent.id))
    })

    test('every change makes a version, and what changes nothing makes none', async () => {
      const { state, change, clock } = bench()
      clock.set(clock.now() + 1_000)
      const changed = await state.change(actor('ani'), (unit) =>
        unit.rules.update(high, { enabled: false, name: 'Off' }),
      )
      expect(changed).toEqual({ ...rule('high'), enabled: false, name: 'Off', version: 2 })
      expect(await change((unit) => unit.rules.update(high, { name: 'Off' }))).toEqual(changed)
      const versions = await walk<RuleVersion, number>((after) => state.rules.versions({ id: high, limit: 1, after }))
      expect(versions.map(({ record, createdBy }) => [record.version, createdBy])).toEqual([
        [2, 'ani'],
        [1, 'platform'],
      ])
      expect(versions[0]).toEqual({ record: changed, createdMs: clock.now(), createdBy: 'ani' })
    })

    test('a version that is restored is a new one, equal to the old', async () => {
      const { state, change, takeOutbox } = bench()
      await takeOutbox()
      const restored = await change((unit) => unit.rules.restore(high, 1))
      expect(restored).toEqual({ ...rule('high'), version: 3 })
      expect((await state.rules.version(high, 2))?.record.enabled).toBe(false)
      expect((await state.rules.version(high, 3))?.record).toEqual(restored)
      expect(await takeOutbox()).toEqual(['rule/high'])
      expect(await refusal(change((unit) => unit.rules.restore(high, 9)))).toBe('not_found')
      const [row] = (await state.audit.list({ scope: 'all', resourceType: 'rule', limit: 1 })).items
      expect(row).toMatchObject({ action: 'rule.restore', resourceId: 'high', siteId: null })
    })

    test('a rule that is gone says so to the log, and the next of its id goes on counting', async () => {
      const { state, change, takeOutbox } = bench()
      await change((unit) => unit.rules.remove(high))
      const frames = await state.outbox.pending(10)
      expect(frames.at(-1)).toMatchObject({ topic: 'rule/high', payload: new Uint8Array() })
      expect(await state.rules.get(high)).toBeUndefined()
      expect((await state.rules.version(high, 2))?.record.name).toBe('Off')
      expect((await change((unit) => unit.rules.create(rule('high')))).version).toBe(4)
      await takeOutbox()
    })

    test('what a rule applies to exists', async () => {
      const { change } = bench()
      const create = (appliesTo: RuleRecord['appliesTo']) =>
        refusal(change((unit) => unit.rules.create(rule('lost', { appliesTo }))))
      expect(await create({ device: deviceId('nobody') })).toBe('invalid_input appliesTo/device')
      expect(await create({ profile: parseProfileId('none') })).toBe('invalid_input appliesTo/profile')
      expect(await create({ site: site('nowhere').id })).toBe('invalid_input appliesTo/site')
      const moved = change((unit) => unit.rules.update(high, { appliesTo: { site: site('nowhere').id } }))
      expect(await refusal(moved)).toBe('invalid_input appliesTo/site')
      expect(await refusal(change((unit) => unit.rules.create(rule('high'))))).toBe('conflict id')
      const unknown = parseRuleId('unknown')
      expect(await refusal(change((unit) => unit.rules.update(unknown, { name: 'x' })))).toBe('not_found')
      expect(await refusal(change((unit) => unit.rules.remove(unknown)))).toBe('not_found')
    })

    test('who sees a site sees its rules, those of its devices, and those of every profile', async () => {
      const { state, change } = bench()
      await change(async (unit) => {
        for (const [id, siteId] of [['in-north', north] as const, ['in-south', south] as const]) {
          await unit.devices.create(device(id, { siteId }))
          await unit.rules.create(rule(`of-device-${id}`, { appliesTo: { device: deviceId(id) } }))
          await unit.rules.create(rule(`of-site-${id}`, { appliesTo: { site: siteId } }))
        }
      })
      const ids = async (query: Partial<Parameters<typeof state.rules.list>[0]>) =>
        (await walk<RuleRecord, string>((after) => state.rules.list({ scope: 'all', ...query, limit: 2, after }))).map(
          ({ id }) => id as string,
        )
      expect(await ids({})).toEqual([
        'high',
        'of-device-in-north',
        'of-device-in-south',
        'of-site-in-north',
        'of-site-in-south',
      ])
      expect(await ids({ scope: [south] })).toEqual(['high', 'of-device-in-south', 'of-site-in-south'])
      expect(await ids({ scope: [] })).toEqual([])
      expect(await ids({ deviceId: deviceId('in-north') })).toEqual(['of-device-in-north'])
      expect(await ids({ profileId: meter })).toEqual(['high'])
      expect(await ids({ siteId: south })).toEqual(['of-site-in-south'])
      const of = async (id: string) => {
        const found = await state.rules.get(parseRuleId(id))
        return found && state.rules.siteOf(found)
      }
      expect([await of('high'), await of('of-device-in-south'), await of('of-site-in-north')]).toEqual([
        null,
        south,
        north,
      ])
    })

    test('a device, a site and a profile take their own rules along, and are gone from the log first', async () => {
      const { state, change, takeOutbox } = bench()
      await change(async (unit) => {
        await unit.sites.create(site('brief'))
        await unit.rules.create(rule('of-brief', { appliesTo: { site: site('brief').id } }))
        await unit.profiles.create(profile('brief'))
        await unit.rules.create(rule('of-brief-profile', { appliesTo: { profile: parseProfileId('brief') } }))
      })
      await takeOutbox()
      await change(async (unit) => {
        await unit.devices.remove(deviceId('in-north'))
        await unit.sites.remove(site('brief').id)
        await unit.profiles.remove(parseProfileId('brief'))
      })
      expect(await takeOutbox()).toEqual([
        'device/in-north',
        'rule/of-device-in-north',
        'site/brief',
        'rule/of-brief',
        'profile/brief',
        'rule/of-brief-profile',
      ])
      expect(await state.rules.get(parseRuleId('of-device-in-north'))).toBeUndefined()
      const rows = (await state.audit.list({ scope: [north], resourceType: 'rule', limit: 100 })).items
      expect(rows[0]).toMatchObject({ action: 'rule.remove', resourceId: 'of-device-in-north', siteId: north })
    })

    test('a metric that is discovered later may be watched already', async () => {
      const { change } = bench()
      const condition = { metric: parseMetricName('hum'), op: '<=', levels: [{ severity: 'info', value: 1 }] } as const
      expect((await change((unit) => unit.rules.create(rule('early', { condition })))).condition).toEqual(condition)
    })
  })
}
