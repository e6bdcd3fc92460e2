import { describe, expect, test } from 'vitest'
import { builtInProfiles, parseProfileId, parseSiteId } from '../../../model/index.ts'
import { platformActor, seedState } from '../../../store/state/index.ts'
import { describeAssets } from './conformance/assets.ts'
import { describeChanges } from './conformance/changes.ts'
import { describeCredentials } from './conformance/credentials.ts'
import { describeDevices } from './conformance/devices.ts'
import { describeLedger } from './conformance/ledger.ts'
import { describePeople } from './conformance/people.ts'
import { describeProfiles } from './conformance/profiles.ts'
import { describeSeries } from './conformance/series.ts'
import { describeSites } from './conformance/sites.ts'
import { createTestClock, type MakeStatePlace, refusal, settings, site } from './harness.ts'

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
    describeChanges(make)
    describeLedger(make)
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
