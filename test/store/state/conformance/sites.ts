import { describe, expect, test } from 'vitest'
import { parseSiteId } from '../../../../model/index.ts'
import { asset, device, type MakeStatePlace, north, refusal, site, south, useState, walk } from '../harness.ts'

export function describeSites(make: MakeStatePlace): void {
  describe('sites', () => {
    const bench = useState(make)

    test('a site is read as it was written, and changed field by field', async () => {
      const { state, change } = bench()
      await change((unit) => unit.sites.create(site('dock')))
      expect(await state.sites.get(site('dock').id)).toEqual(site('dock'))
      await change((unit) => unit.sites.update(site('dock').id, { name: 'Harbour', currency: undefined }))
      expect(await state.sites.get(site('dock').id)).toEqual({ ...site('dock'), name: 'Harbour' })
      await change((unit) => unit.sites.remove(site('dock').id))
      expect(await state.sites.get(site('dock').id)).toBeUndefined()
    })

    test('an id is taken once', async () => {
      expect(await refusal(bench().change((unit) => unit.sites.create(site('north'))))).toBe('conflict id')
    })

    test('a zone or currency that nobody can compute with is refused, also in a change of another field', async () => {
      const { change } = bench()
      const bad = { ...site('bad'), timeZone: 'Asia/Nowhere', currency: 'rupiah' }
      expect(await refusal(change((unit) => unit.sites.create(bad)))).toBe('invalid_input timeZone')
      const patch = { name: 'North', currency: 'RP' }
      expect(await refusal(change((unit) => unit.sites.update(north, patch)))).toBe('invalid_input currency')
      expect((await bench().state.sites.get(north))?.name).toBe('Site north')
    })

    test('what is not there is neither changed nor removed', async () => {
      const nowhere = parseSiteId('nowhere')
      expect(await refusal(bench().change((unit) => unit.sites.update(nowhere, { name: 'x' })))).toBe('not_found')
      expect(await refusal(bench().change((unit) => unit.sites.remove(nowhere)))).toBe('not_found')
    })

    test('a site stays while it has assets or devices', async () => {
      const { change } = bench()
      await change((unit) => unit.assets.create(asset('south-panel', null, south)))
      expect(await refusal(change((unit) => unit.sites.remove(south)))).toBe('conflict assets')
      await change((unit) => unit.assets.remove(asset('south-panel').id))
      await change((unit) => unit.devices.create(device('south-meter', { siteId: south })))
      expect(await refusal(change((unit) => unit.sites.remove(south)))).toBe('conflict devices')
      await change((unit) => unit.devices.remove(device('south-meter').id))
    })

    test('a list shows the sites of the scope, in order of their ids, page by page', async () => {
      const { state, change } = bench()
      await change(async (unit) => {
        for (const id of ['c', 'a', 'e', 'b', 'd']) await unit.sites.create(site(`list-${id}`))
      })
      const scope = ['list-e', 'list-a', 'list-d', 'list-c', 'list-b'].map(parseSiteId)
      for (const limit of [1, 2, 3, 5, 100]) {
        const items = await walk<{ id: string }, string>((after) => state.sites.list({ scope, limit, after }))
        expect(items.map((item) => item.id)).toEqual(['list-a', 'list-b', 'list-c', 'list-d', 'list-e'])
      }
      expect((await state.sites.list({ scope, limit: 5 })).next).toBeNull()
      expect((await state.sites.list({ scope: [], limit: 5 })).items).toEqual([])
      expect((await state.sites.list({ scope: 'all', limit: 100 })).items.length).toBe(7)
    })
  })
}
