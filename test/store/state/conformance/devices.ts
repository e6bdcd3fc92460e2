import { describe, expect, test } from 'vitest'
import { parseProfileId, parseSiteId } from '../../../../model/index.ts'
import type { DeviceInput } from '../../../../store/state/index.ts'
import {
  asset,
  assetId,
  device,
  deviceId,
  type MakeStatePlace,
  meter,
  north,
  refusal,
  series,
  south,
  useState,
  walk,
} from '../harness.ts'

export function describeDevices(make: MakeStatePlace): void {
  describe('devices', () => {
    const bench = useState(make)
    const create = (input: DeviceInput) => bench().change((unit) => unit.devices.create(input))

    test('a device is read as it was written, with the number it was given', async () => {
      const made = await create(device('m1'))
      expect(made).toEqual({ ...device('m1'), number: 1 })
      expect(await bench().state.devices.get(deviceId('m1'))).toEqual(made)
    })

    test('a number is never given twice', async () => {
      const { change, state } = bench()
      const first = await create(device('short-lived'))
      await change((unit) => unit.devices.remove(first.id))
      const second = await create(device('short-lived'))
      expect(second.number).toBe(first.number + 1)
      await change((unit) => unit.devices.remove(second.id))
      const failed = change(async (unit) => {
        await unit.devices.create(device('never'))
        throw new Error('changed my mind')
      })
      await expect(failed).rejects.toThrow('changed my mind')
      expect(await state.devices.get(deviceId('never'))).toBeUndefined()
      expect((await create(device('next'))).number).toBeGreaterThan(second.number)
    })

    test('everything that a device names exists, and in its own site', async () => {
      await bench().change((unit) => unit.assets.create(asset('south-panel', null, south)))
      await create(device('south-gateway', { siteId: south }))
      const refused = (more: Partial<DeviceInput>) => refusal(create(device('reaching', more)))
      expect(await refused({ siteId: parseSiteId('nowhere') })).toBe('invalid_input siteId')
      expect(await refused({ profileId: parseProfileId('none') })).toBe('invalid_input profileId')
      expect(await refused({ assetId: assetId('none') })).toBe('invalid_input assetId')
      expect(await refused({ assetId: assetId('south-panel') })).toBe('invalid_input assetId')
      expect(await refused({ gatewayId: deviceId('none') })).toBe('invalid_input gatewayId')
      expect(await refused({ gatewayId: deviceId('south-gateway') })).toBe('invalid_input gatewayId')
      expect(await refused({ gatewayId: deviceId('reaching') })).toBe('invalid_input gatewayId')
      expect(await refusal(create(device('m1')))).toBe('conflict id')
    })

    test('gateways are one level', async () => {
      const { change } = bench()
      await create(device('gateway'))
      await create(device('behind', { gatewayId: deviceId('gateway') }))
      const chained = create(device('behind-behind', { gatewayId: deviceId('behind') }))
      expect(await refusal(chained)).toBe('invalid_input gatewayId')
      const circle = change((unit) => unit.devices.update(deviceId('gateway'), { gatewayId: deviceId('m1') }))
      expect(await refusal(circle)).toBe('invalid_input gatewayId')
    })

    test('a gateway stays, where it is, while devices are behind it', async () => {
      const { change } = bench()
      expect(await refusal(change((unit) => unit.devices.remove(deviceId('gateway'))))).toBe('conflict devices')
      const moved = change((unit) => unit.devices.update(deviceId('gateway'), { siteId: south }))
      expect(await refusal(moved)).toBe('conflict devices')
      await change((unit) => unit.devices.update(deviceId('behind'), { gatewayId: null }))
      await change((unit) => unit.devices.update(deviceId('gateway'), { siteId: south }))
    })

    test('a device that moves to another site leaves its asset behind', async () => {
      const { change } = bench()
      await change((unit) => unit.assets.create(asset('north-panel')))
      await create(device('mover', { assetId: assetId('north-panel') }))
      const along = change((unit) => unit.devices.update(deviceId('mover'), { siteId: south }))
      expect(await refusal(along)).toBe('invalid_input assetId')
      const patch = { siteId: south, assetId: assetId('south-panel') }
      const moved = await change((unit) => unit.devices.update(deviceId('mover'), patch))
      expect(moved).toMatchObject(patch)
    })

    test('a device takes its tokens along and leaves its series', async () => {
      const { state, change } = bench()
      const made = await create(device('leaving'))
      const issued = await change((unit) => unit.credentials.issueDeviceToken(made.id))
      const [kept] = await state.series.ensure([{ ...series(made.number, 'voltage'), deviceId: made.id }])
      await change((unit) => unit.devices.remove(made.id))
      expect(await state.credentials.verify(issued.token)).toBeUndefined()
      expect(await state.series.get(kept?.seriesId ?? 0)).toEqual(kept)
    })

    test('a device is put into quarantine and released, and says why, since when and by whom', async () => {
      const { state, change, clock, takeOutbox } = bench()
      const { id } = await create(device('sick'))
      await takeOutbox()
      expect(await refusal(change((unit) => unit.devices.release(id)))).toBe('conflict quarantine')
      const put = await change((unit) => unit.devices.quarantine(id, 'It floods'))
      expect(put.quarantine).toEqual({ reason: 'It floods', sinceMs: clock.now(), by: 'platform' })
      expect(await state.devices.get(id)).toEqual(put)
      const [frame] = await state.outbox.pending(1)
      expect(JSON.parse(Buffer.from(frame?.payload ?? '').toString())).toEqual(put)
      expect(await refusal(change((unit) => unit.devices.quarantine(id, 'again')))).toBe('conflict quarantine')
      expect(await change((unit) => unit.devices.update(id, { name: 'Sick' }))).toMatchObject({
        quarantine: put.quarantine,
      })

      const ids = async (quarantined: boolean) =>
        (await state.devices.list({ scope: 'all', limit: 100, quarantined })).items.map((item) => item.id)
      expect(await ids(true)).toEqual(['sick'])
      expect(await ids(false)).not.toContain('sick')
      const released = await change((unit) => unit.devices.release(id))
      expect(released).not.toHaveProperty('quarantine')
      expect(await state.devices.get(id)).toEqual(released)
      expect(await takeOutbox()).toEqual(['device/sick', 'device/sick', 'device/sick'])
      expect(await refusal(change((unit) => unit.devices.quarantine(deviceId('nobody'), 'x')))).toBe('not_found')
    })

    test('a list is filtered and paged', async () => {
      const { state, change } = bench()
      await change(async (unit) => {
        for (let i = 0; i < 25; i++)
          await unit.devices.create(device(`list-${String(i).padStart(2, '0')}`, { assetId: assetId('north-panel') }))
      })
      const query = { scope: [north], assetId: assetId('north-panel'), profileId: meter }
      for (const limit of [1, 7, 25, 26]) {
        const items = await walk<{ id: string }, string>((after) => state.devices.list({ ...query, limit, after }))
        expect(items.map((item) => item.id)).toEqual(
          Array.from({ length: 25 }, (_, i) => `list-${String(i).padStart(2, '0')}`),
        )
      }
      expect((await state.devices.list({ ...query, scope: [south], limit: 10 })).items).toEqual([])
      expect((await state.devices.list({ scope: 'all', gatewayId: deviceId('m1'), limit: 10 })).items).toEqual([])
      const all = await walk<unknown, string>((after) => state.devices.list({ scope: 'all', limit: 9, after }))
      expect(await state.devices.count('all')).toBe(all.length)
      expect(await state.devices.count([])).toBe(0)
    })
  })
}
