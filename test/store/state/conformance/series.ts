import { describe, expect, test } from 'vitest'
import { parseMetricName, parseSiteId } from '../../../../model/index.ts'
import type { SeriesInfo } from '../../../../store/readings/index.ts'
import type { SiteSeries, SiteSeriesPlace } from '../../../../store/state/index.ts'
import { device, type MakeStatePlace, series, useState, walk } from '../harness.ts'

export function describeSeries(make: MakeStatePlace): void {
  describe('series', () => {
    const bench = useState(make)

    test('a series is made once and keeps its id and what it was at its beginning', async () => {
      const { state } = bench()
      const [made] = await state.series.ensure([series(1, 'voltage')])
      const later = { ...series(1, 'voltage'), known: false }
      expect(await state.series.ensure([later])).toEqual([made])
      expect(await state.series.get(made?.seriesId ?? 0)).toEqual(made)
      expect(await state.series.find(1, parseMetricName('voltage'))).toEqual(made)
    })

    test('answers in the order of the requests, known and new ones mixed, and the same twice', async () => {
      const { state } = bench()
      const requests = [series(1, 'power'), series(1, 'voltage'), series(2, 'power'), series(1, 'power')]
      const made = await state.series.ensure(requests)
      expect(made.map(({ seriesId: _, ...request }) => request)).toEqual(requests)
      expect(made[3]).toEqual(made[0])
      expect(new Set(made.map((one) => one.seriesId)).size).toBe(3)
    })

    test('two callers at once get the same ids', async () => {
      const { state } = bench()
      const requests = Array.from({ length: 20 }, (_, i) => series(3, `m${i}`))
      const answers = await Promise.all([
        state.series.ensure(requests),
        state.series.ensure(requests.toReversed()),
        state.series.ensure(requests),
      ])
      expect(answers[2]).toEqual(answers[0])
      expect(answers[1].toReversed()).toEqual(answers[0])
    })

    test('says which numbers were handed out last, of devices that are gone too', async () => {
      const { state, change } = bench()
      const before = await state.series.highest()
      const made = await change((unit) => unit.devices.create(device('short-lived')))
      await change((unit) => unit.devices.remove(made.id))
      expect(made.number).toBe(before.device + 1)
      expect(await state.series.highest()).toEqual({ device: made.number, series: before.series })
    })

    test('a list goes through all series, or those of a device', async () => {
      const { state } = bench()
      const load = (limit: number, deviceNumber?: number) =>
        walk<SeriesInfo, number>((after) => state.series.list({ limit, after, deviceNumber }))
      const all = await load(4)
      expect(all.map((one) => one.seriesId)).toEqual(Array.from({ length: 23 }, (_, i) => i + 1))
      expect((await load(2, 1)).map((one) => one.metric)).toEqual(['voltage', 'power'])
      expect(await load(2, 99)).toEqual([])
    })

    test('those of a site are those of the devices that are in it now, by device and metric', async () => {
      const { state, change } = bench()
      const siteId = parseSiteId('yard')
      const [b, a] = await change(async (unit) => {
        await unit.sites.create({ id: siteId, name: 'Yard', timeZone: 'UTC', currency: 'EUR' })
        return [
          await unit.devices.create({ ...device('yard-b'), siteId }),
          await unit.devices.create({ ...device('yard-a'), siteId }),
        ]
      })
      await state.series.ensure([a, b].flatMap(({ number }) => [series(number, 'volts'), series(number, 'watts')]))
      const load = (limit: number, metrics: readonly string[] = ['volts', 'watts']) =>
        walk<SiteSeries, SiteSeriesPlace>((after) =>
          state.series.ofSite({ siteId, limit, after, metrics: metrics.map((name) => parseMetricName(name)) }),
        )
      const names = (of: readonly SiteSeries[]) => of.map(({ deviceId, metric }) => `${deviceId} ${metric}`)
      const all = ['yard-a volts', 'yard-a watts', 'yard-b volts', 'yard-b watts']
      expect(names(await load(100))).toEqual(all)
      expect(names(await load(1))).toEqual(all)
      expect(names(await load(3, ['watts', 'gas']))).toEqual(['yard-a watts', 'yard-b watts'])
      await change((unit) => unit.devices.update(a.id, { siteId: device('x').siteId }))
      expect(names(await load(100))).toEqual(['yard-b volts', 'yard-b watts'])
      await change((unit) => unit.devices.remove(b.id))
      await change((unit) => unit.devices.create({ ...device('yard-b'), siteId }))
      expect(names(await load(100))).toEqual([])
    })
  })
}
