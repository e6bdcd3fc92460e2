import { describe, expect, test } from 'vitest'
import { asset, assetId, device, type MakeStatePlace, north, refusal, site, south, useState } from '../harness.ts'

export function describeAssets(make: MakeStatePlace): void {
  describe('assets', () => {
    const bench = useState(make)

    test('an asset is read as it was written', async () => {
      const { state, change } = bench()
      await change(async (unit) => {
        await unit.assets.create(asset('trafo'))
        await unit.assets.create(asset('panel', 'trafo'))
        await unit.assets.create(asset('load', 'panel'))
      })
      expect(await state.assets.get(assetId('panel'))).toEqual(asset('panel', 'trafo'))
      expect(await refusal(change((unit) => unit.assets.create(asset('panel'))))).toBe('conflict id')
    })

    test('a tree has no circles', async () => {
      const { change } = bench()
      for (const parent of ['trafo', 'panel', 'load']) {
        const move = change((unit) => unit.assets.update(assetId('trafo'), { parentId: assetId(parent) }))
        expect(await refusal(move)).toBe('invalid_input parentId')
      }
    })

    test('a parent exists, and in the same site', async () => {
      const { change } = bench()
      const orphan = change((unit) => unit.assets.create(asset('orphan', 'nothing')))
      expect(await refusal(orphan)).toBe('invalid_input parentId')
      const foreign = change((unit) => unit.assets.create(asset('foreign', 'trafo', south)))
      expect(await refusal(foreign)).toBe('invalid_input parentId')
      const nowhere = change((unit) => unit.assets.create(asset('lost', null, site('nowhere').id)))
      expect(await refusal(nowhere)).toBe('invalid_input siteId')
    })

    test('a tree is 32 levels deep at most, also after a move', async () => {
      const { change } = bench()
      await change(async (unit) => {
        for (let level = 1; level <= 32; level++)
          await unit.assets.create(asset(`deep-${level}`, level === 1 ? null : `deep-${level - 1}`))
      })
      const deeper = change((unit) => unit.assets.create(asset('deep-33', 'deep-32')))
      expect(await refusal(deeper)).toBe('invalid_input parentId')
      const below = change((unit) => unit.assets.update(assetId('deep-1'), { parentId: assetId('trafo') }))
      expect(await refusal(below)).toBe('invalid_input parentId')
      await change((unit) => unit.assets.update(assetId('deep-3'), { parentId: assetId('trafo') }))
    })

    test('an asset stays while something is below it or on it', async () => {
      const { state, change } = bench()
      expect(await refusal(change((unit) => unit.assets.remove(assetId('panel'))))).toBe('conflict assets')
      await change((unit) => unit.devices.create(device('on-load', { assetId: assetId('load') })))
      expect(await refusal(change((unit) => unit.assets.remove(assetId('load'))))).toBe('conflict devices')
      await change((unit) => unit.devices.remove(device('on-load').id))
      await change((unit) => unit.assets.remove(assetId('load')))
      expect(await state.assets.get(assetId('load'))).toBeUndefined()
    })

    test('a list shows one level, one site, or what the scope allows', async () => {
      const { state, change } = bench()
      await change((unit) => unit.assets.create(asset('south-top', null, south)))
      const ids = async (query: Partial<Parameters<typeof state.assets.list>[0]>) =>
        (await state.assets.list({ scope: 'all', limit: 100, ...query })).items.map((item) => item.id)
      expect(await ids({ parentId: null })).toEqual(['deep-1', 'south-top', 'trafo'])
      expect(await ids({ parentId: assetId('trafo') })).toEqual(['deep-3', 'panel'])
      expect(await ids({ siteId: south })).toEqual(['south-top'])
      expect(await ids({ scope: [south] })).toEqual(['south-top'])
      expect(await ids({ scope: [south], siteId: north })).toEqual([])
    })
  })
}
