import { describe, expect, test } from 'vitest'
import type { RejectedRecord, RejectedRow, TimeCursor } from '../../../../store/state/index.ts'
import { device, deviceId, type MakeStatePlace, north, refusal, settings, south, useState, walk } from '../harness.ts'

export function describeLedger(make: MakeStatePlace): void {
  describe('ledger', () => {
    const bench = useState(make)

    function row(detail: string, more: Partial<RejectedRow> = {}): RejectedRow {
      const payload = Uint8Array.of(0, 255, 10)
      const message = { clientId: 'c', topic: 'pel/v1/m1/telemetry', reason: 'not_json', payload }
      return { timeMs: 1_000, deviceId: null, detail, ...message, ...more }
    }

    test('a consumer begins at 0 and goes on where it committed', async () => {
      const { ledger } = bench().state
      expect(await ledger.position('rules')).toBe(0)
      await ledger.commit('rules', 2 ** 52, [])
      expect(await ledger.position('rules')).toBe(2 ** 52)
      expect(await ledger.position('ingest')).toBe(0)
    })

    test('rejected rows come with their position, and once however often it is committed', async () => {
      const { ledger } = bench().state
      const rows = [row('first'), row('second', { deviceId: deviceId('unknown') })]
      await ledger.commit('ingest', 10, rows)
      await ledger.commit('ingest', 10, rows)
      const { items, next } = await ledger.rejected({ scope: 'all', order: 'ascending', limit: 10 })
      expect(items).toEqual(rows.map((one, i) => ({ ...one, id: i + 1, siteId: null })))
      expect(next).toBeNull()
      expect(await ledger.rejectedCount()).toEqual({ listed: 2, total: 2 })
    })

    test('a position never goes back', async () => {
      const { ledger } = bench().state
      expect(await refusal(ledger.commit('ingest', 9, [row('late')]))).toBe('conflict position')
      expect(await ledger.rejectedCount()).toEqual({ listed: 2, total: 2 })
    })

    test('a row belongs to the site that its device had then', async () => {
      const { state, change } = bench()
      await change((unit) => unit.devices.create(device('m1')))
      await state.ledger.commit('ingest', 20, [row('in the north', { deviceId: deviceId('m1') })])
      await change((unit) => unit.devices.update(deviceId('m1'), { siteId: south }))
      await state.ledger.commit('ingest', 21, [row('in the south', { deviceId: deviceId('m1') })])
      const details = async (query: Partial<Parameters<typeof state.ledger.rejected>[0]>) =>
        (await state.ledger.rejected({ scope: 'all', order: 'ascending', limit: 10, ...query })).items.map(
          (item) => item.detail,
        )
      expect(await details({ scope: [north] })).toEqual(['in the north'])
      expect(await details({ siteId: south })).toEqual(['in the south'])
      expect(await details({ scope: [] })).toEqual([])
      expect(await details({ deviceId: deviceId('m1'), reason: 'not_json' })).toEqual(['in the north', 'in the south'])
      expect(await details({ reason: 'too_old' })).toEqual([])
    })

    test('the list is read in both directions, also through rows of one millisecond', async () => {
      const { ledger } = bench().state
      const rows = Array.from({ length: 10 }, (_, i) => row(`t${i}`, { timeMs: 5_000 + Math.floor(i / 4) }))
      await ledger.commit('ingest', 30, rows)
      const load = async (order: 'ascending' | 'descending', limit: number, more = {}) =>
        (
          await walk<RejectedRecord, TimeCursor>((after) =>
            ledger.rejected({ scope: 'all', order, fromMs: 5_000, ...more, limit, after }),
          )
        ).map((item) => item.detail)
      const ascending = rows.map((one) => one.detail)
      for (const limit of [1, 3, 10, 11]) {
        expect(await load('ascending', limit)).toEqual(ascending)
        expect(await load('descending', limit)).toEqual(ascending.toReversed())
      }
      expect(await load('ascending', 2, { fromMs: 5_001, toMs: 5_002 })).toEqual(['t4', 't5', 't6', 't7'])
    })

    test('the oldest rows make room and stay counted', async () => {
      const { ledger } = bench().state
      const { total } = await ledger.rejectedCount()
      const flood = Array.from({ length: settings.rejectedRows + 30 }, (_, i) => row(`f${i}`, { timeMs: 9_000 + i }))
      await ledger.commit('ingest', 40, flood)
      expect(await ledger.rejectedCount()).toEqual({ listed: settings.rejectedRows, total: total + flood.length })
      await ledger.commit('ingest', 41, [row('last', { timeMs: 10_000 })])
      expect(await ledger.rejectedCount()).toEqual({ listed: settings.rejectedRows, total: total + flood.length + 1 })
      const { items } = await ledger.rejected({ scope: 'all', order: 'ascending', limit: 1_000 })
      expect(items.map((item) => item.detail)).toEqual([...flood.slice(31).map((one) => one.detail), 'last'])
    })

    test('what is new is read behind a number, of all sites', async () => {
      const { ledger } = bench().state
      const { total } = await ledger.rejectedCount()
      await ledger.commit('ingest', 50, [row('new 1'), row('new 2'), row('new 3')])
      const details = async (after: number, limit: number) =>
        (await ledger.rejectedNews({ after, limit })).map(({ id, detail }) => [id - total, detail])
      expect(await details(total, 2)).toEqual([
        [1, 'new 1'],
        [2, 'new 2'],
      ])
      expect(await details(total + 2, 2)).toEqual([[3, 'new 3']])
      expect(await details(total + 3, 2)).toEqual([])
    })
  })
}
