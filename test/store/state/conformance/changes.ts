import { describe, expect, test } from 'vitest'
import { actor, asset, device, deviceId, type MakeStatePlace, north, refusal, site, useState } from '../harness.ts'

export function describeChanges(make: MakeStatePlace): void {
  describe('changes', () => {
    const bench = useState(make)
    const audit = async (query: { resourceId?: string } = {}) =>
      (await bench().state.audit.list({ scope: 'all', limit: 1_000, ...query })).items

    test('a change leaves who did what, from what to what', async () => {
      const { state, clock } = bench()
      const made = await state.change(actor('ani'), (unit) => unit.devices.create(device('m1')))
      await state.change(actor('budi'), (unit) => unit.devices.update(made.id, { name: 'Pump' }))
      await state.change(actor('ani'), (unit) => unit.devices.remove(made.id))
      const rows = (await audit({ resourceId: 'm1' })).toReversed()
      expect(rows.map((row) => [row.principalId, row.action])).toEqual([
        ['ani', 'device.create'],
        ['budi', 'device.update'],
        ['ani', 'device.remove'],
      ])
      expect(rows[1]).toMatchObject({
        timeMs: clock.now(),
        principalKind: 'key',
        resourceType: 'device',
        siteId: north,
        before: made,
        after: { ...made, name: 'Pump' },
        requestId: 'request-of-budi',
        address: '127.0.0.1',
      })
      expect(rows[0]?.before).toBeNull()
      expect(rows[2]?.after).toBeNull()
    })

    test('sites, profiles and devices go to the log in the order of their changes; an empty payload is the end', async () => {
      const { state, change, takeOutbox } = bench()
      await takeOutbox()
      await change(async (unit) => {
        await unit.sites.create(site('west'))
        await unit.devices.create(device('m2'))
        await unit.assets.create(asset('panel'))
      })
      await change((unit) => unit.devices.remove(deviceId('m2')))
      const frames = await state.outbox.pending(100)
      expect(frames.map((frame) => frame.topic)).toEqual(['site/west', 'device/m2', 'device/m2'])
      const payloads = frames.map((frame) => Buffer.from(frame.payload).toString())
      expect(JSON.parse(payloads[1] ?? '')).toMatchObject({ ...device('m2'), number: 2 })
      expect(payloads[2]).toBe('')
      expect(await takeOutbox()).toHaveLength(3)
      expect(await state.outbox.pending(100)).toEqual([])
    })

    test('what fails leaves nothing, whatever came before it', async () => {
      const { state, change, takeOutbox } = bench()
      const rowsBefore = (await audit()).length
      const failing = change(async (unit) => {
        await unit.sites.create(site('half'))
        await unit.credentials.issueKey({ name: 'k', role: 'viewer', sites: 'all', scopes: [], expiresMs: null })
        await unit.devices.create(device('half', { siteId: site('unknown').id }))
      })
      expect(await refusal(failing)).toBe('invalid_input siteId')
      expect(await state.sites.get(site('half').id)).toBeUndefined()
      expect((await audit()).length).toBe(rowsBefore)
      expect(await takeOutbox()).toEqual([])
    })

    test('a change that changes nothing is none', async () => {
      const { change, takeOutbox } = bench()
      const rowsBefore = (await audit()).length
      await change((unit) => unit.sites.update(north, { name: 'Site north', timeZone: undefined }))
      expect((await audit()).length).toBe(rowsBefore)
      expect(await takeOutbox()).toEqual([])
    })

    test('a change sees itself; outside nothing of it shows before it is over', async () => {
      const { state, change } = bench()
      const outside = await change(async (unit) => {
        await unit.sites.create(site('east'))
        expect(await unit.sites.get(site('east').id)).toEqual(site('east'))
        return state.sites.get(site('east').id)
      })
      expect(outside).toBeUndefined()
      expect(await state.sites.get(site('east').id)).toEqual(site('east'))
    })

    test('changes asked for at once happen one after the other', async () => {
      const { state, change } = bench()
      await change((unit) => unit.devices.create(device('counter', { attributes: { n: 0 } })))
      const counter = deviceId('counter')
      const increment = () =>
        change(async (unit) => {
          const n = (await unit.devices.get(counter))?.attributes['n']
          return unit.devices.update(counter, { attributes: { n: Number(n) + 1 } })
        })
      await Promise.all(Array.from({ length: 100 }, increment))
      expect((await state.devices.get(counter))?.attributes).toEqual({ n: 100 })
    })

    test('of changes asked for at once, a refused one takes nothing of the others along', async () => {
      const { state, change, takeOutbox } = bench()
      await takeOutbox()
      const results = await Promise.allSettled(
        Array.from({ length: 50 }, (_, i) =>
          change(async (unit) => {
            await unit.devices.create(device(`crowd-${i}`))
            if (i % 3 === 1) throw new Error(`changed my mind about ${i}`)
            if (i % 3 === 2) await unit.devices.create(device(`crowd-${i - 1}`, { siteId: site('unknown').id }))
            return i
          }),
        ),
      )
      const kept = Array.from({ length: 50 }, (_, i) => i).filter((i) => i % 3 === 0)
      expect(results.filter((one) => one.status === 'fulfilled').map((one) => one.value)).toEqual(kept)
      const reasons = results.filter((one) => one.status === 'rejected').map((one) => String(one.reason))
      expect(reasons[0]).toBe('Error: changed my mind about 1')
      expect(reasons[1]).toContain('siteId unknown is unknown')
      expect(await takeOutbox()).toEqual(kept.map((i) => `device/crowd-${i}`))
      for (let i = 0; i < 50; i++)
        expect((await state.devices.get(deviceId(`crowd-${i}`))) !== undefined).toBe(kept.includes(i))
    })

    test('what a refused change left running behind it is refused, and spoils no other', async () => {
      const { state, change } = bench()
      const { promise: gate, resolve: open } = Promise.withResolvers<void>()
      let late: Promise<string> | undefined
      const careless = change(async (unit) => {
        late = gate.then(() => refusal(unit.sites.create(site('late'))))
        await unit.sites.update(site('unknown').id, { name: 'x' })
      })
      expect(await refusal(careless)).toBe('not_found')
      await change(async (unit) => {
        open()
        expect(await late).toBe('internal')
        await unit.sites.create(site('on-time'))
      })
      expect(await state.sites.get(site('late').id)).toBeUndefined()
      expect(await state.sites.get(site('on-time').id)).toBeDefined()
    })
  })
}
