import { describe, expect, test } from 'vitest'
import { emptyCounts, parseAlertId } from '../../../../model/index.ts'
import { type ChangeUnit, type DataKind, dataKinds, platformActor, type State } from '../../../../store/state/index.ts'
import {
  asset,
  assetId,
  createTestClock,
  device,
  deviceId,
  type MakeStatePlace,
  profile,
  refusal,
  rule,
  series,
  settings,
  site,
  transition,
} from '../harness.ts'

type Versions = Readonly<Record<DataKind, string>>

async function versions({ dataVersions }: State): Promise<Versions> {
  const texts = await Promise.all(dataKinds.map(async (kind) => [kind, await dataVersions.read([kind])] as const))
  return Object.fromEntries(texts) as Versions
}

const changed = (before: Versions, after: Versions) => dataKinds.filter((kind) => before[kind] !== after[kind])

export function describeDataVersions(make: MakeStatePlace): void {
  describe('data versions', () => {
    test('are others after each write to what they are of, for every thread at once, and only then', async () => {
      const place = await make()
      const state = await place.open(createTestClock(), settings)
      const other = await place.open(createTestClock(), settings)
      const change = (work: (unit: ChangeUnit) => Promise<unknown>) => state.change(platformActor, work)
      const { alertLedger: ledger, dispatch, deliveries, notifications } = state
      const mailed = async () => (await notifications.list({ scope: 'all', limit: 1 })).items[0]?.id ?? ''
      const attempt = { timeMs: 1, provider: 'main', code: 250, response: 'ok', latencyMs: 1 }
      const steps: readonly (readonly [name: string, write: () => Promise<unknown>, kinds: readonly DataKind[]])[] = [
        ['site', () => change((unit) => unit.sites.create(site('north'))), ['inventory']],
        ['site renamed', () => change((unit) => unit.sites.update(site('north').id, { name: 'N' })), ['inventory']],
        ['profile', () => change((unit) => unit.profiles.create(profile('meter'))), ['inventory']],
        ['asset', () => change((unit) => unit.assets.create(asset('a'))), ['inventory']],
        ['device', () => change((unit) => unit.devices.create(device('m1'))), ['inventory']],
        ['quarantine', () => change((unit) => unit.devices.quarantine(deviceId('m1'), 'loud')), ['inventory']],
        ['rule', () => change((unit) => unit.rules.create(rule('overvoltage'))), ['inventory']],
        [
          'rule changed',
          () => change((unit) => unit.rules.update(rule('overvoltage').id, { name: 'R' })),
          ['inventory'],
        ],
        ['series', () => state.series.ensure([series(1, 'voltage')]), ['series']],
        ['the same series', () => state.series.ensure([series(1, 'voltage')]), []],
        ['key', () => change((unit) => unit.credentials.issueDeviceToken(deviceId('m1'))), ['access']],
        ['setting', () => change((unit) => unit.settings.set('a', 'b')), []],
        ['position', () => ledger.record([], 1), []],
        ['step of an alert', () => ledger.record([transition('a', 0)], 2), ['alerts']],
        ['the same again', () => ledger.record([transition('a', 0)], 2), []],
        ['comment', () => change((unit) => unit.alerts.comment(parseAlertId('a'), 'hm')), ['alerts']],
        ['decision', () => dispatch.commit(1, [{ eventId: 1, channel: 'email', recipient: 'a@b' }]), []],
        [
          'message',
          async () => deliveries.saveMessage(await mailed(), { messageId: '<1>', bytes: new Uint8Array(1) }),
          [],
        ],
        ['attempt', async () => deliveries.recordAttempt(await mailed(), attempt, { kind: 'sent' }), []],
        ['heartbeat', () => state.service.report({ startedMs: 1, nowMs: 2, counts: emptyCounts() }), ['service']],
        ['a change without a write', () => change(async (unit) => unit.sites.get(site('north').id)), []],
        ['removal', () => change((unit) => unit.assets.remove(assetId('a'))), ['inventory']],
        [
          'both',
          () =>
            change(async (unit) => {
              await unit.rules.remove(rule('overvoltage').id)
              await unit.alerts.comment(parseAlertId('a'), 'gone')
            }),
          ['inventory', 'alerts'],
        ],
      ]
      const seen = new Map<DataKind, Set<string>>(dataKinds.map((kind) => [kind, new Set()]))
      for (const [name, write, kinds] of steps) {
        const before = await versions(other)
        await write()
        const after = await versions(other)
        expect([name, changed(before, after)]).toEqual([name, kinds])
        // No text comes back.
        for (const kind of kinds) {
          expect(seen.get(kind)?.has(after[kind])).toBe(false)
          seen.get(kind)?.add(after[kind])
        }
        expect(await versions(state)).toEqual(after)
      }
      const before = await versions(state)
      expect(await refusal(change((unit) => unit.sites.create(site('north'))))).toBe('conflict id')
      expect(changed(before, await versions(state))).toEqual([])
      await state.close()
      await other.close()
      await place.dispose()
    })

    test('of several kinds are one text, which changes with each of them', async () => {
      const place = await make()
      const state = await place.open(createTestClock(), settings)
      const read = () => state.dataVersions.read(['alerts', 'inventory'])
      const first = await read()
      expect(await read()).toBe(first)
      await state.change(platformActor, (unit) => unit.sites.create(site('north')))
      const second = await read()
      expect(second).not.toBe(first)
      await state.alertLedger.record([transition('a', 0)], 1)
      expect(await read()).not.toBe(second)
      await state.close()
      await place.dispose()
    })

    test('begin anew with each start, for all who have the state open', async () => {
      const place = await make()
      const state = await place.open(createTestClock(), settings)
      const other = await place.open(createTestClock(), settings)
      const eras = new Set<string>()
      const texts = new Set<string>()
      for (let i = 0; i < 20; i++) {
        eras.add(await state.dataVersions.renew())
        texts.add(await other.dataVersions.read(['inventory']))
      }
      expect([eras.size, texts.size]).toEqual([20, 20])
      await state.close()
      await other.close()
      await place.dispose()
    })
  })
}
