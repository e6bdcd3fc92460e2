import { describe, expect, test } from 'vitest'
import type { AuditList, AuditRecord, AuditStep, State, TimeCursor } from '../../../../store/state/index.ts'
import {
  actor,
  device,
  deviceId,
  type MakeStatePlace,
  north,
  rule,
  type StateBench,
  south,
  useState,
  walk,
} from '../harness.ts'

const dayMs = 86_400_000

export function describeAudit(make: MakeStatePlace): void {
  describe('the audit log', () => {
    describe('keeps', () => {
      const bench = useState(make)

      test('no secret, whatever its name or its looks', async () => {
        const { state, change } = bench()
        const { token } = await change(async (unit) => {
          await unit.settings.set('smtpPassword', 'hunter2')
          await unit.settings.set('relay', 'smtp://user:hunter3@mail.example.com:587')
          const secrets = { apiKey: 'k-123', webhook_secret: 's-456', auth: 'Bearer abcdefghijklmnop1234' }
          await unit.devices.create(device('m9', { attributes: { ...secrets, key: 'shown' } }))
          const issued = await unit.credentials.issueDeviceToken(deviceId('m9'))
          await unit.devices.update(deviceId('m9'), { name: `Its token is ${issued.token}` })
          return issued
        })
        const text = JSON.stringify((await state.audit.list({ scope: 'all', limit: 100 })).items)
        for (const secret of [token, 'hunter2', 'hunter3', 'k-123', 's-456', 'abcdefghijklmnop'])
          expect(text).not.toContain(secret)
        for (const shown of ['shown', 'smtp://user:[secret]@mail.example.com:587', 'Its token is pel_dev_[secret]'])
          expect(text).toContain(shown)
      })

      test('of what moves to another site two halves, so that neither tells the other', async () => {
        const { state, change } = bench()
        const made = await change((unit) => unit.devices.create(device('mover')))
        await change((unit) => unit.rules.create(rule('follower', { appliesTo: { device: made.id } })))
        await change((unit) => unit.devices.create(device('there', { siteId: south })))
        await change((unit) => unit.rules.update(rule('follower').id, { appliesTo: { site: south } }))
        const moved = await change((unit) => unit.devices.update(made.id, { siteId: south }))
        for (const [site, resourceId, before, after] of [
          [north, 'mover', made, null],
          [south, 'mover', null, moved],
          [north, 'follower', expect.objectContaining({ appliesTo: { device: 'mover' } }), null],
          [south, 'follower', null, expect.objectContaining({ appliesTo: { site: 'south' } })],
        ] as const) {
          const [newest] = (await state.audit.list({ scope: [site], resourceId, limit: 1 })).items
          const type = resourceId === 'mover' ? 'device' : 'rule'
          expect(newest).toMatchObject({ action: `${type}.update`, siteId: site, before, after })
        }
      })
    })

    describe('is searched', () => {
      const bench = useState(make)
      const find = async ({ state }: StateBench, query: Partial<AuditList>, limit = 2) =>
        walk<AuditRecord, TimeCursor>((after) => state.audit.list({ scope: 'all', ...query, limit, after }))

      test('page by page, the newest first, within the scope and a range of time', async () => {
        const { change, clock } = bench()
        const startMs = clock.now() + 60_000
        for (let i = 0; i < 9; i++) {
          clock.set(startMs + Math.floor(i / 3))
          const target = i % 2 === 0 ? north : south
          await change((unit) => unit.sites.update(target, { name: `Name ${i}` }))
        }
        const names = async (limit: number, query: Partial<AuditList> = {}) =>
          (await find(bench(), { fromMs: startMs, resourceType: 'site', ...query }, limit)).map((row) =>
            (row.after as { name: string }).name.slice(5),
          )
        for (const limit of [1, 2, 4, 9, 100])
          expect(await names(limit)).toEqual(['8', '7', '6', '5', '4', '3', '2', '1', '0'])
        expect(await names(2, { scope: [south] })).toEqual(['7', '5', '3', '1'])
        expect(await names(2, { scope: [] })).toEqual([])
        expect(await names(2, { fromMs: startMs + 1, toMs: startMs + 2 })).toEqual(['5', '4', '3'])
        expect(await names(2, { resourceId: 'north', principalId: 'platform' })).toEqual(['8', '6', '4', '2', '0'])
        expect(await names(2, { principalId: 'somebody' })).toEqual([])
      })

      test('by who, what, where and any words, alone and together', async () => {
        const { state, change } = bench()
        await state.change(actor('ani'), (unit) => unit.devices.create(device('pump', { name: 'Pump 100%_a' })))
        await state.change(actor('budi'), (unit) => unit.devices.update(deviceId('pump'), { name: 'Fan' }))
        await change((unit) => unit.devices.create(device('fan', { siteId: south, tags: ['roof'] })))
        const found = async (query: Partial<AuditList>) =>
          (await find(bench(), query)).map((row) => `${row.principalId} ${row.action} ${row.resourceId}`)
        const [fan, update, pump] = [
          'platform device.create fan',
          'budi device.update pump',
          'ani device.create pump',
        ] as const
        for (const [query, rows] of [
          [{ principalKind: 'key' }, [update, pump]],
          [{ action: 'device.create' }, [fan, pump]],
          [{ action: 'device.create', principalKind: 'platform' }, [fan]],
          [{ resourceType: 'device', siteId: north }, [update, pump]],
          [{ resourceType: 'device', siteId: south, scope: [north] }, []],
          [{ text: 'request-of-budi' }, [update]],
          [{ text: 'pump 100%_A' }, [update, pump]],
          [{ text: '100%a' }, []],
          [{ text: 'roof', scope: [south] }, [fan]],
          [{ text: 'roof', scope: [north, south], principalId: 'ani' }, []],
          [{ text: '\\' }, []],
          [{ text: "'; drop table audit; --" }, []],
        ] as const)
          expect([query, await found(query)]).toEqual([query, rows])
      })
    })

    describe('is a chain', () => {
      const bench = useState(make)

      test('in which each row names the one before it, however many write at once', async () => {
        const { state, change } = bench()
        await Promise.all(
          Array.from({ length: 50 }, (_, i) =>
            change(async (unit) => {
              await unit.devices.create(device(`crowd-${i}`))
              if (i % 3 === 1) throw new Error('no')
            }).catch(() => undefined),
          ),
        )
        const rows = await walk<AuditRecord, TimeCursor>((after) =>
          state.audit.list({ scope: 'all', limit: 100, after }),
        )
        const byId = rows.toSorted((a, b) => a.id - b.id)
        expect(byId.map(({ id }) => id)).toEqual(byId.map((_, i) => i + 1))
        expect(byId.slice(1).map((row) => row.previousHash)).toEqual(byId.slice(0, -1).map((row) => row.hash))
        const { id, hash } = byId.at(-1) ?? { id: 0, hash: '' }
        expect(await state.audit.head()).toEqual({ id, hash })
        expect(await verdictOf(state)).toEqual({
          kind: 'verdict',
          checked: id,
          removedThrough: 0,
          head: { id, hash },
          fault: null,
        })
      })

      test('whose newest row, written down, is found again later, and no other', async () => {
        const { state, change } = bench()
        const head = await state.audit.head()
        await change((unit) => unit.sites.update(north, { name: 'Later' }))
        expect(await verdictOf(state, { recorded: [head], expected: head.hash })).toMatchObject({ fault: null })
        const other = head.hash.replace(/^./, (digit) => (digit === '0' ? '1' : '0'))
        expect((await verdictOf(state, { expected: other })).fault).toMatchObject({ what: 'missing', id: null })
        const ahead = { id: head.id + 9, hash: other }
        expect((await verdictOf(state, { recorded: [ahead] })).fault).toMatchObject({
          what: 'missing',
          id: head.id + 2,
        })
        const rewritten = { id: head.id, hash: other }
        expect((await verdictOf(state, { recorded: [rewritten] })).fault).toMatchObject({
          what: 'changed',
          id: head.id,
        })
      })

      test('that retention shortens at its beginning, which it says itself', async () => {
        const { state, change, clock } = bench()
        const early = await state.audit.head()
        clock.set(clock.now() + 10 * dayMs)
        await change((unit) => unit.sites.update(north, { name: 'Ten days later' }))
        const beforeMs = clock.now() - dayMs
        const oldest = async () => (await state.audit.list({ scope: 'all', limit: 10_000 })).items.at(-1)

        expect(await state.trimAudit(beforeMs)).toBe(early.id)
        expect(await state.trimAudit(beforeMs)).toBe(0)
        expect(await oldest()).toMatchObject({ id: early.id + 1, previousHash: early.hash })
        const head = await state.audit.head()
        expect(await verdictOf(state, { recorded: [{ ...early, id: 3 }], expected: early.hash })).toEqual({
          kind: 'verdict',
          checked: 2,
          removedThrough: early.id,
          head,
          fault: null,
        })
        const [row] = (await state.audit.list({ scope: 'all', limit: 1, action: 'audit.trim' })).items
        const after = { throughId: early.id, throughHash: early.hash }
        expect(row).toMatchObject({ principalKind: 'platform', resourceId: String(early.id), siteId: null, after })

        // Whatever the age of the rows, the newest stays, and the numbers go on.
        clock.set(clock.now() + dayMs)
        expect(await state.trimAudit(clock.now())).toBe(1)
        expect(await oldest()).toMatchObject({ action: 'audit.trim', id: head.id })
        await change((unit) => unit.sites.update(north, { name: 'After all' }))
        expect(await verdictOf(state)).toMatchObject({ fault: null, checked: 3, removedThrough: head.id - 1 })
      })

      test('that is shortened in steps when there is much', async () => {
        const { state, change, clock } = bench()
        for (let i = 0; i < 22; i++)
          await change(async (unit) => {
            for (let j = 0; j < 100; j++) await unit.sites.update(north, { name: `Much ${i} ${j}` })
          })
        clock.set(clock.now() + dayMs)
        let removed = 0
        for (let count = -1; count !== 0; removed += count) count = await state.trimAudit(clock.now())
        expect(removed).toBeGreaterThan(2_200)
        const { items } = await state.audit.list({ scope: 'all', limit: 100 })
        expect(items.map(({ action }) => action)).toEqual(['audit.trim', 'audit.trim'])
        expect(await verdictOf(state)).toMatchObject({ fault: null, checked: 2 })
      })
    })
  })
}

type Verdict = Extract<AuditStep, { readonly kind: 'verdict' }>

/** What the verification ends with; before it there is nothing but progress. */
export async function verdictOf(
  state: State,
  comparison: Partial<Parameters<State['audit']['verify']>[0]> = {},
): Promise<Verdict> {
  let verdict: Verdict | undefined
  for await (const step of state.audit.verify({ recorded: [], expected: undefined, ...comparison })) {
    expect(verdict).toBeUndefined()
    if (step.kind === 'verdict') verdict = step
  }
  if (verdict === undefined) throw new Error('the verification ended without a verdict')
  return verdict
}
