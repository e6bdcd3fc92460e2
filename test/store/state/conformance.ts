import { describe, expect, test } from 'vitest'
import {
  builtInProfiles,
  parseMetricName,
  parseProfileId,
  parseRuleId,
  parseSiteId,
  platformDeviceId,
} from '../../../model/index.ts'
import { type ChangeUnit, platformActor, seedState } from '../../../store/state/index.ts'
import { describeAccounts } from './conformance/accounts.ts'
import { describeAlerts } from './conformance/alerts.ts'
import { describeAnswers } from './conformance/answers.ts'
import { describeAssets } from './conformance/assets.ts'
import { describeAudit } from './conformance/audit.ts'
import { describeChanges } from './conformance/changes.ts'
import { describeCredentials } from './conformance/credentials.ts'
import { describeDataVersions } from './conformance/data-versions.ts'
import { describeDevices } from './conformance/devices.ts'
import { describeLedger } from './conformance/ledger.ts'
import { describeNotifications } from './conformance/notifications.ts'
import { describePeople } from './conformance/people.ts'
import { describeProfiles } from './conformance/profiles.ts'
import { describeRules } from './conformance/rules.ts'
import { describeSeries } from './conformance/series.ts'
import { describeService } from './conformance/service.ts'
import { describeSites } from './conformance/sites.ts'
import { createTestClock, device, type MakeStatePlace, profile, refusal, rule, settings, site } from './harness.ts'

/** What every adapter of the state promises; its own test file calls this with a place to keep one. */
export function describeState(name: string, make: MakeStatePlace): void {
  describe(`state on ${name}`, () => {
    describeSites(make)
    describeAssets(make)
    describeProfiles(make)
    describeDevices(make)
    describeSeries(make)
    describeCredentials(make)
    describePeople(make)
    describeAccounts(make)
    describeChanges(make)
    describeAudit(make)
    describeLedger(make)
    describeRules(make)
    describeAlerts(make)
    describeNotifications(make)
    describeService(make)
    describeAnswers(make)
    describeDataVersions(make)
    describeLife(make)
  })
}

function describeLife(make: MakeStatePlace): void {
  describe('life', () => {
    test('the first start happens once, and what people removed does not come back', async () => {
      const place = await make()
      const zone = { timeZone: 'Asia/Makassar', currency: 'IDR' }
      const state = await place.open(createTestClock(), settings)
      expect(await Promise.all([seedState(state, zone), seedState(state, zone)])).toEqual([true, false])
      expect(await state.sites.get(parseSiteId('main'))).toMatchObject(zone)
      const { items } = await state.profiles.list({ limit: 100 })
      expect(items.map((profile) => profile.id).sort()).toEqual(builtInProfiles.map((profile) => profile.id).sort())
      expect((await state.outbox.pending(100)).map((frame) => frame.topic)).toEqual([
        'site/main',
        ...builtInProfiles.map((profile) => `profile/${profile.id}`),
        'device/platform',
      ])
      await state.change(platformActor, (unit) => unit.profiles.remove(parseProfileId('weather-station')))
      await state.close()

      const again = await place.open(createTestClock(), settings)
      expect(await seedState(again, zone)).toBe(false)
      expect(await again.profiles.get(parseProfileId('weather-station'))).toBeUndefined()
      await again.close()
      await place.dispose()
    })

    test('a state from before there were rules gets the platform and the default rules, and once', async () => {
      const place = await make()
      const zone = { timeZone: 'Asia/Makassar', currency: 'IDR' }
      const state = await place.open(createTestClock(), settings)
      await state.change(platformActor, async (unit) => {
        await unit.sites.create(site('factory'))
        await unit.profiles.create(profile('meter'))
        await unit.settings.set('seeded', 'yes')
      })
      const gone = rule('of-nothing', { appliesTo: { profile: parseProfileId('transformer') } })
      const rules = [rule('high'), rule('low'), gone]
      expect(await seedState(state, { ...zone, rules })).toBe(false)
      const ids = async () => (await state.rules.list({ scope: 'all', limit: 10 })).items.map(({ id }) => id)
      expect(await ids()).toEqual(['high', 'low'])
      expect(await state.devices.get(platformDeviceId)).toMatchObject({ siteId: 'factory', profileId: 'platform' })
      await state.change(platformActor, (unit) => unit.rules.remove(rule('low').id))
      await seedState(state, { ...zone, rules })
      expect(await ids()).toEqual(['high'])
      await state.close()
      await place.dispose()
    })

    test('a platform from before there were service levels learns to measure them, with their rules, and once', async () => {
      const place = await make()
      const state = await place.open(createTestClock(), settings)
      const id = parseProfileId('platform')
      const builtIn = builtInProfiles.find((one) => one.id === id)
      if (builtIn === undefined) throw new Error('there is no such profile')
      const older = builtIn.metrics.filter(({ name }) => !name.startsWith('burn_'))
      await state.change(platformActor, async (unit) => {
        await unit.profiles.create({ ...builtIn, metrics: older })
        await unit.settings.set('seeded', 'yes')
        await unit.settings.set('seeded-rules', 'yes')
      })
      const burning = {
        metric: parseMetricName('burn_errors'),
        op: '>',
        levels: [{ severity: 'warning', value: 6 }],
      } as const
      const rules = [rule('burn', { appliesTo: { profile: id }, condition: burning }), rule('other')]
      await seedState(state, { timeZone: 'UTC', currency: 'USD', rules })
      expect((await state.profiles.get(id))?.metrics).toEqual(builtIn.metrics)
      const ids = async () => (await state.rules.list({ scope: 'all', limit: 10 })).items.map((one) => one.id)
      expect(await ids()).toEqual(['burn'])
      await state.change(platformActor, (unit) => unit.rules.remove(parseRuleId('burn')))
      await seedState(state, { timeZone: 'UTC', currency: 'USD', rules })
      expect(await ids()).toEqual([])
      await state.close()
      await place.dispose()
    })

    test('the platform itself stays what it is, and nobody connects as it', async () => {
      const place = await make()
      const state = await place.open(createTestClock(), settings)
      await seedState(state, { timeZone: 'UTC', currency: 'USD' })
      const change = (work: (unit: ChangeUnit) => Promise<unknown>) => refusal(state.change(platformActor, work))
      const id = platformDeviceId
      expect(await change((unit) => unit.devices.remove(id))).toBe('conflict id')
      expect(await change((unit) => unit.credentials.issueDeviceToken(id))).toBe('conflict deviceId')
      const profileId = parseProfileId('transformer')
      expect(await change((unit) => unit.devices.update(id, { profileId }))).toBe('conflict profileId')
      const gateway = device('gateway', { siteId: parseSiteId('main'), profileId })
      await change((unit) => unit.devices.create(gateway))
      expect(await change((unit) => unit.devices.update(id, { gatewayId: gateway.id }))).toBe('invalid_input gatewayId')
      expect(await change((unit) => unit.devices.update(id, { name: 'Edge 7' }))).toBe('not refused')
      await state.close()
      await place.dispose()
    })

    test('a closed state finishes what was asked before and refuses what comes after', async () => {
      const place = await make()
      const state = await place.open(createTestClock(), settings)
      const before = state.change(platformActor, (unit) => unit.sites.create(site('last')))
      await state.close()
      await state.close()
      expect(await before).toEqual(site('last'))
      expect(await refusal(state.sites.get(site('last').id))).toBe('closed')
      expect(await refusal(state.change(platformActor, (unit) => unit.sites.create(site('late'))))).toBe('closed')
      const again = await place.open(createTestClock(), settings)
      expect(await again.sites.get(site('last').id)).toEqual(site('last'))
      await again.close()
      await place.dispose()
    })
  })
}
