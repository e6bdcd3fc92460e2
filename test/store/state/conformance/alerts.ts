import { describe, expect, test } from 'vitest'
import { type AlertId, parseAlertId, parseDeviceId, type Transition } from '../../../../model/index.ts'
import type { AlertEvent, AlertRecord, TimeCursor } from '../../../../store/state/index.ts'
import { actor, type MakeStatePlace, north, refusal, settings, south, transition, useState, walk } from '../harness.ts'

export function describeAlerts(make: MakeStatePlace): void {
  describe('alerts', () => {
    const bench = useState(make)
    let position = 0
    const record = (...transitions: Transition[]) => bench().state.alertLedger.record(transitions, ++position)
    const get = (id: string) => bench().state.alerts.get(parseAlertId(id))
    const id = (text: string): AlertId => parseAlertId(text)
    const timeline = async (alert: string) =>
      walk<AlertEvent, number>((after) => bench().state.alerts.timeline({ alertId: id(alert), limit: 2, after }))

    test('the rules begin at 0, and go on where they recorded last', async () => {
      const { alertLedger, ledger } = bench().state
      expect(await alertLedger.position()).toBe(0)
      await record()
      expect(await alertLedger.position()).toBe(1)
      expect(await ledger.position('rules')).toBe(1)
    })

    test('an alert is what its transitions made of it, and its timeline is the transitions', async () => {
      const steps = [
        transition('life', 0, { kind: 'pending' }),
        transition('life', 1),
        transition('life', 2, { kind: 'severity', severity: 'critical', ruleVersion: 4 }),
        transition('life', 3, { kind: 'resolved', severity: 'critical', reason: 'condition_cleared', ruleVersion: 4 }),
      ] as const
      const [pending, firing, upgraded, resolved] = steps
      await record(pending)
      const begun: AlertRecord = {
        id: id('life'),
        number: 1,
        ruleId: pending.ruleId,
        ruleVersion: 3,
        ruleName: 'Overvoltage',
        deviceId: pending.deviceId,
        siteId: north,
        metric: pending.metric,
        severity: 'warning',
        state: 'pending',
        startedMs: pending.timeMs,
        firedMs: null,
        resolvedMs: null,
        value: pending.value,
        evidence: pending.evidence,
        acknowledgedMs: null,
        acknowledgedBy: null,
        resolveReason: null,
        resolution: null,
        rootCause: null,
      }
      expect(await get('life')).toEqual(begun)
      await record(firing, upgraded)
      const { value, evidence } = upgraded
      const worse = { ruleVersion: 4, severity: 'critical', state: 'firing', firedMs: firing.timeMs, value, evidence }
      expect(await get('life')).toEqual({ ...begun, ...worse })
      await record(resolved)
      expect(await get('life')).toMatchObject({
        state: 'resolved',
        resolvedMs: resolved.timeMs,
        resolveReason: 'condition_cleared',
        evidence: resolved.evidence,
      })
      const lines = await timeline('life')
      expect(lines.map((line) => 'transition' in line && line.transition)).toEqual(steps)
      expect(lines.map(({ kind, timeMs }) => [kind, timeMs])).toEqual(steps.map(({ kind, timeMs }) => [kind, timeMs]))
    })

    test('a position recorded twice changes nothing, one from before is refused', async () => {
      const { alertLedger } = bench().state
      await record(transition('once', 0))
      await alertLedger.record([transition('once', 0)], position)
      expect(await timeline('once')).toHaveLength(1)
      expect(await refusal(alertLedger.record([transition('other', 0)], position - 1))).toBe('conflict position')
      expect(await get('other')).toBeUndefined()
    })

    test('a step comes once, whatever the position says', async () => {
      expect(await refusal(record(transition('new', 0), transition('once', 0)))).toMatch(/^conflict/)
      position--
      expect(await get('new')).toBeUndefined()
      expect(await bench().state.alertLedger.position()).toBe(position)
    })

    test('what ceased while it was pending was no alert', async () => {
      await record(transition('shy', 0, { kind: 'pending' }))
      expect(await get('shy')).toBeDefined()
      await record(transition('shy', 1, { kind: 'inactive' }))
      expect(await get('shy')).toBeUndefined()
      expect(await timeline('shy')).toEqual([])
      await record(transition('unheard', 0, { kind: 'pending' }), transition('unheard', 1, { kind: 'inactive' }))
      expect(await get('unheard')).toBeUndefined()
    })

    test('no data has no metric and no value, and keeps its own evidence', async () => {
      const evidence = {
        kind: 'no_data',
        lastSeenMs: null,
        armedMs: 5,
        intervals: 3,
        intervalMs: 60_000,
        downtimeMs: 0,
      } as const
      await record(transition('silent', 0, { metric: null, value: null, evidence }))
      expect(await get('silent')).toMatchObject({ metric: null, value: null, evidence })
    })

    test('the first one to acknowledge counts', async () => {
      const { state, clock } = bench()
      clock.set(clock.now() + 5_000)
      const acknowledged = await state.change(actor('ani'), (unit) => unit.alerts.acknowledge(id('once')))
      expect(acknowledged).toMatchObject({ acknowledgedMs: clock.now(), acknowledgedBy: 'ani', state: 'firing' })
      expect(await state.change(actor('budi'), (unit) => unit.alerts.acknowledge(id('once')))).toEqual(acknowledged)
      expect(await get('once')).toEqual(acknowledged)
      const step = { alertId: id('once'), timeMs: clock.now(), kind: 'acknowledged', by: { kind: 'key', id: 'ani' } }
      expect((await timeline('once')).slice(1)).toEqual([expect.objectContaining(step)])
      const rows = (await state.audit.list({ scope: 'all', resourceType: 'alert', limit: 10 })).items
      expect(rows.map((row) => [row.action, row.principalId, row.siteId])).toEqual([
        ['alert.acknowledge', 'ani', north],
      ])
    })

    test('people resolve an alert by an order to the rules; their words stay on it', async () => {
      const { state, takeOutbox } = bench()
      await takeOutbox()
      const order = { resolution: 'Tap changed', rootCause: 'Grid' }
      const asked = await state.change(actor('ani'), (unit) => unit.alerts.requestResolve(id('once'), order))
      expect(asked).toMatchObject({ state: 'firing', ...order })
      const [frame] = await state.outbox.pending(10)
      expect([frame?.topic, Buffer.from(frame?.payload ?? '').toString()]).toEqual(['alert/once', '{"resolve":true}'])
      await record(transition('once', 1, { kind: 'resolved', reason: 'by_hand' }))
      expect(await get('once')).toMatchObject({ state: 'resolved', resolveReason: 'by_hand', ...order })
      expect((await timeline('once')).map(({ kind }) => kind)).toEqual([
        'firing',
        'acknowledged',
        'resolve_requested',
        'resolved',
      ])
      expect((await timeline('once'))[2]).toMatchObject({ ...order, by: { kind: 'key', id: 'ani' } })
    })

    test('a comment is for firing and for resolved ones', async () => {
      const { state } = bench()
      for (const alert of ['once', 'silent'])
        await state.change(actor('ani'), (unit) => unit.alerts.comment(id(alert), `about ${alert}`))
      expect((await timeline('once')).at(-1)).toMatchObject({
        kind: 'commented',
        text: 'about once',
        by: { id: 'ani' },
      })
    })

    test('what is resolved, pending or unknown is not acknowledged or resolved', async () => {
      const { change } = bench()
      await record(transition('waiting', 0, { kind: 'pending' }))
      for (const [alert, expected] of [
        ['life', 'conflict state'],
        ['waiting', 'conflict state'],
        ['unknown', 'not_found'],
      ] as const) {
        expect(await refusal(change((unit) => unit.alerts.acknowledge(id(alert))))).toBe(expected)
        const order = { resolution: 'x' }
        expect(await refusal(change((unit) => unit.alerts.requestResolve(id(alert), order)))).toBe(expected)
      }
      expect(await refusal(change((unit) => unit.alerts.comment(id('waiting'), 'x')))).toBe('conflict state')
      expect(await refusal(change((unit) => unit.alerts.comment(id('unknown'), 'x')))).toBe('not_found')
    })

    test('a list shows the newest first, within the scope and the filters, page by page', async () => {
      const { state } = bench()
      const startMs = 1_800_000_000_000
      const many = Array.from({ length: 9 }, (_, i) =>
        transition(`list-${i}`, 0, {
          timeMs: startMs + Math.floor(i / 3),
          siteId: i % 2 === 0 ? north : south,
          deviceId: parseDeviceId(`m${i % 3}`),
          severity: i === 4 ? 'critical' : 'info',
        }),
      )
      await record(...many)
      await record(transition('list-8', 1, { kind: 'resolved', reason: 'condition_cleared', siteId: north }))
      const numbers = async (limit: number, query: Partial<Parameters<typeof state.alerts.list>[0]> = {}) =>
        (
          await walk<AlertRecord, TimeCursor>((after) =>
            state.alerts.list({ scope: 'all', fromMs: startMs, ...query, limit, after }),
          )
        ).map((alert) => Number(alert.id.slice(5)))
      for (const limit of [1, 2, 4, 9, 100]) expect(await numbers(limit)).toEqual([8, 7, 6, 5, 4, 3, 2, 1, 0])
      expect(await numbers(2, { scope: [south] })).toEqual([7, 5, 3, 1])
      expect(await numbers(2, { scope: [] })).toEqual([])
      expect(await numbers(2, { siteId: south, deviceId: parseDeviceId('m1') })).toEqual([7, 1])
      expect(await numbers(2, { state: 'resolved' })).toEqual([8])
      expect(await numbers(2, { severity: 'critical' })).toEqual([4])
      expect(await numbers(2, { fromMs: startMs + 1, toMs: startMs + 2 })).toEqual([5, 4, 3])
      expect(await numbers(2, { ruleId: many[0]?.ruleId })).toHaveLength(9)
      expect(await state.alerts.counts({ scope: [south] })).toEqual({ pending: 0, firing: 4, resolved: 0 })
      expect(await state.alerts.counts({ scope: [] })).toEqual({ pending: 0, firing: 0, resolved: 0 })
    })

    test('steps of all alerts are read once each, in their order, without those that are pending', async () => {
      const { state, change } = bench()
      const { newest: before } = await state.alerts.stepBounds()
      await record(transition('news-1', 0, { kind: 'pending' }), transition('news-2', 0, { kind: 'pending' }))
      await record(transition('news-1', 1), transition('news-2', 1, { kind: 'inactive' }))
      await change((unit) => unit.alerts.acknowledge(id('news-1')))
      await record(transition('news-1', 2, { kind: 'resolved', reason: 'condition_cleared' }))
      const { newest } = await state.alerts.stepBounds()
      const kinds = async (after: number, upTo: number, limit = 10) =>
        (await state.alerts.news({ after, upTo, limit })).map(({ event }) => event.kind)
      expect(await kinds(before, newest)).toEqual(['firing', 'acknowledged', 'resolved'])
      expect(await kinds(before, newest, 2)).toEqual(['firing', 'acknowledged'])
      expect(await kinds(newest - 1, newest)).toEqual(['resolved'])
      expect(await kinds(before, newest - 1)).toEqual(['firing', 'acknowledged'])
      expect(await kinds(newest, newest)).toEqual([])
      const [last] = await state.alerts.news({ after: newest - 1, upTo: newest, limit: 1 })
      expect(last).toMatchObject({ event: { id: newest, alertId: 'news-1' }, alert: await get('news-1') })
    })

    test('steps of alerts that were removed after a long time are known to be missing', async () => {
      const { state } = bench()
      const many = Array.from({ length: settings.alertRows + 5 }, (_, i) => `old-${i}`)
      await record(...many.map((name) => transition(name, 0)))
      await record(...many.map((name) => transition(name, 1, { kind: 'resolved', reason: 'condition_cleared' })))
      const { newest } = await state.alerts.stepBounds()
      await state.dispatch.commit(newest, [])
      expect(await state.trimAlerts()).toBeGreaterThan(0)
      const { trimmed } = await state.alerts.stepBounds()
      expect(trimmed).toBeGreaterThan(0)
      expect(trimmed).toBeLessThan(newest)
      // What lies behind it is whole.
      const left = await state.alerts.news({ after: trimmed, upTo: newest, limit: 1_000 })
      expect(left).toHaveLength(newest - trimmed)
      await record()
      expect((await state.alerts.stepBounds()).newest).toBe(newest)
    })
  })
}
