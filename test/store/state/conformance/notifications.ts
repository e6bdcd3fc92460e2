import { describe, expect, test } from 'vitest'
import { parseAlertId } from '../../../../model/index.ts'
import type { AttemptInput, NotificationInput, NotificationRecord, TimeCursor } from '../../../../store/state/index.ts'
import {
  actor,
  device,
  deviceId,
  type MakeStatePlace,
  north,
  refusal,
  settings,
  site,
  south,
  transition,
  useState,
  walk,
} from '../harness.ts'

export function describeNotifications(make: MakeStatePlace): void {
  describe('notifications', () => {
    const bench = useState(make)
    let position = 0
    const mail = (eventId: number, recipient: string, suppressedBy?: string): NotificationInput => ({
      eventId,
      channel: 'email',
      recipient,
      suppressedBy,
    })
    const list = async (
      query: Partial<Parameters<ReturnType<typeof bench>['state']['notifications']['list']>[0]> = {},
    ) =>
      walk<NotificationRecord, TimeCursor>((after) =>
        bench().state.notifications.list({ scope: 'all', ...query, limit: 2, after }),
      )
    const attempt = (more: Partial<AttemptInput> = {}): AttemptInput => ({
      timeMs: 2_000,
      provider: 'main',
      code: 250,
      response: '250 2.0.0 queued',
      latencyMs: 12.4,
      ...more,
    })

    test('the dispatcher meets the steps that people may have to hear of, in order, with what a message says', async () => {
      const { state, change } = bench()
      const made = await change((unit) => unit.devices.create(device('m1')))
      await state.alertLedger.record(
        [
          transition('a', 0, { kind: 'pending' }),
          transition('b', 0, { siteId: south, deviceId: deviceId('gone') }),
          transition('a', 1),
        ],
        ++position,
      )
      await change((unit) => unit.alerts.acknowledge(parseAlertId('a')))
      await state.alertLedger.record(
        [transition('a', 2, { kind: 'severity', severity: 'critical' }), transition('a', 3, { kind: 'resolved' })],
        ++position,
      )
      const events = await state.dispatch.events(0, 10)
      expect(events.map(({ id, event, alert }) => [id, alert.id, event.kind])).toEqual([
        [2, 'b', 'firing'],
        [3, 'a', 'firing'],
        [5, 'a', 'severity'],
        [6, 'a', 'resolved'],
      ])
      expect(events[1]).toMatchObject({ event: { transition: transition('a', 1) }, device: made, site: site('north') })
      expect(events[1]?.alert).toEqual(await state.alerts.get(parseAlertId('a')))
      expect(events[0]).toMatchObject({ device: null, site: site('south') })
      expect((await state.dispatch.events(3, 1)).map(({ id }) => id)).toEqual([5])
      expect(await state.dispatch.event(5)).toEqual(events[2])
      expect(await state.dispatch.event(99)).toBeUndefined()
    })

    test('decisions come with their position, and once however often they are committed', async () => {
      const { state, clock } = bench()
      expect(await state.dispatch.position()).toBe(0)
      const decisions = [mail(2, 'ani@example.org'), mail(2, 'budi@example.org', 'quiet_hours')]
      await state.dispatch.commit(2, decisions)
      await state.dispatch.commit(2, [mail(2, 'cici@example.org')])
      expect(await refusal(state.dispatch.commit(1, decisions))).toBe('conflict position')
      expect(await state.dispatch.position()).toBe(2)
      const [budi, ani, ...others] = await list()
      expect(others).toEqual([])
      expect(ani).toEqual({
        id: ani?.id,
        kind: 'alert',
        personId: null,
        linkId: null,
        number: 1,
        eventId: 2,
        alertId: 'b',
        siteId: south,
        channel: 'email',
        recipient: 'ani@example.org',
        state: 'queued',
        reason: null,
        messageId: null,
        attempts: 0,
        nextAttemptMs: clock.now(),
        createdMs: clock.now(),
        sentMs: null,
      })
      expect(budi).toMatchObject({ state: 'suppressed', reason: 'quiet_hours', nextAttemptMs: null })
    })

    test('there is one notification for an event and a recipient', async () => {
      const { state } = bench()
      await state.dispatch.commit(3, [
        mail(3, 'ani@example.org'),
        mail(3, 'ani@example.org'),
        mail(2, 'ani@example.org'),
      ])
      expect((await list({ recipient: 'ani@example.org' })).map(({ eventId }) => eventId)).toEqual([3, 2])
      expect(await refusal(state.dispatch.commit(4, [mail(99, 'ani@example.org')]))).toBe('invalid_input eventId')
      expect(await state.dispatch.position()).toBe(3)
    })

    test('what is queued is due when its time has come, those that wait longest first', async () => {
      const { state, clock } = bench()
      expect(await state.deliveries.due(clock.now() - 1, 10)).toEqual([])
      const due = await state.deliveries.due(clock.now(), 10)
      expect(due.map(({ eventId, recipient }) => [eventId, recipient])).toEqual([
        [2, 'ani@example.org'],
        [3, 'ani@example.org'],
      ])
      expect((await state.deliveries.due(clock.now(), 1)).map(({ eventId }) => eventId)).toEqual([2])
      expect(await state.deliveries.nextDueMs()).toBe(clock.now())
    })

    const nth = async (eventId: number) => {
      const one = (await list({ recipient: 'ani@example.org' })).find((record) => record.eventId === eventId)
      if (one === undefined) throw new Error(`no notification of ${eventId}`)
      return one
    }

    test('of two messages the first is kept', async () => {
      const { state } = bench()
      const { id } = await nth(2)
      expect(await state.notifications.message(id)).toBeUndefined()
      const first = { messageId: '<1@example.org>', bytes: Uint8Array.of(0, 255, 13, 10) }
      expect(await state.deliveries.saveMessage(id, first)).toEqual(first)
      const second = { messageId: '<2@example.org>', bytes: Uint8Array.of(1) }
      expect(await state.deliveries.saveMessage(id, second)).toEqual(first)
      expect(await state.notifications.message(id)).toEqual(first)
      expect((await state.notifications.get(id))?.messageId).toBe('<1@example.org>')
      expect(await refusal(state.deliveries.saveMessage('unknown', first))).toBe('not_found')
    })

    test('an attempt that failed for now is tried again later, and one that succeeded is the last', async () => {
      const { state } = bench()
      const { id } = await nth(2)
      const nextAttemptMs = 1_900_000_000_000
      const busy = attempt({ code: 451, response: '4'.repeat(2_000) })
      const retry = { kind: 'retry', reason: 'temporary_failure', nextAttemptMs } as const
      expect(await state.deliveries.recordAttempt(id, busy, retry)).toMatchObject({
        state: 'queued',
        reason: 'temporary_failure',
        attempts: 1,
        nextAttemptMs,
      })
      expect((await state.deliveries.due(nextAttemptMs - 1, 10)).map(({ eventId }) => eventId)).toEqual([3])
      const sent = await state.deliveries.recordAttempt(id, attempt({ timeMs: nextAttemptMs }), { kind: 'sent' })
      expect(sent).toMatchObject({
        state: 'sent',
        reason: null,
        attempts: 2,
        nextAttemptMs: null,
        sentMs: nextAttemptMs + 12,
      })
      expect(await state.notifications.get(id)).toEqual(sent)
      expect(await state.notifications.attempts(id)).toEqual([
        { ...busy, number: 1, response: '4'.repeat(1_000), outcome: 'retry' },
        { ...attempt({ timeMs: nextAttemptMs }), number: 2, outcome: 'sent' },
      ])
      expect(await refusal(state.deliveries.recordAttempt(id, attempt(), { kind: 'sent' }))).toBe('conflict state')
      expect(await refusal(state.deliveries.recordAttempt('x', attempt(), { kind: 'sent' }))).toBe('not_found')
    })

    test('one that was given up is sent again when somebody wants it, with the same message', async () => {
      const { state, change, clock } = bench()
      const { id } = await nth(3)
      await state.deliveries.saveMessage(id, { messageId: '<3@example.org>', bytes: Uint8Array.of(3) })
      const unknown = attempt({ code: 550, response: '550 no such user' })
      const failed = { kind: 'failed', reason: 'recipient_refused' } as const
      expect(await state.deliveries.recordAttempt(id, unknown, failed)).toMatchObject({
        state: 'failed',
        reason: 'recipient_refused',
        nextAttemptMs: null,
      })
      expect(await state.deliveries.nextDueMs()).toBeNull()
      await state.change(actor('ani'), (unit) => unit.notifications.resend(id))
      expect(await state.deliveries.nextDueMs()).toBe(clock.now())
      expect(await state.notifications.get(id)).toMatchObject({ state: 'queued', messageId: '<3@example.org>' })
      expect(await refusal(change((unit) => unit.notifications.resend(id)))).toBe('conflict state')
      expect(await refusal(change((unit) => unit.notifications.resend('unknown')))).toBe('not_found')
    })

    test('a list is filtered and paged, the newest first', async () => {
      const { state } = bench()
      const ids = async (query: Parameters<typeof list>[0]) =>
        (await list(query)).map(({ eventId, recipient }) => `${recipient.slice(0, 3)}${eventId}`)
      expect(await ids({})).toEqual(['ani3', 'bud2', 'ani2'])
      expect(await ids({ scope: [south] })).toEqual(['bud2', 'ani2'])
      expect(await ids({ scope: [] })).toEqual([])
      expect(await ids({ alertId: parseAlertId('a') })).toEqual(['ani3'])
      expect(await ids({ state: 'suppressed' })).toEqual(['bud2'])
      expect(await ids({ toMs: bench().clock.now() })).toEqual([])
      expect(await state.notifications.counts()).toEqual({ queued: 1, sent: 1, failed: 0, suppressed: 1 })
    })
  })

  describe('old alerts', () => {
    const bench = useState(make)

    test('beyond the bound the oldest resolved ones go, with all that was theirs', async () => {
      const { state } = bench()
      const count = settings.alertRows + 10
      const ids = Array.from({ length: count }, (_, i) => `old-${i}`)
      await state.alertLedger.record(
        ids.flatMap((id, i) => [
          transition(id, 0, { timeMs: i, siteId: north }),
          transition(id, 1, { kind: 'resolved', reason: 'condition_cleared' }),
        ]),
        1,
      )
      await state.alertLedger.record([transition('firing', 0, { timeMs: 0 })], 2)
      const left = async () =>
        (await state.alerts.list({ scope: 'all', limit: 1_000 })).items.map(({ id }) => id).toReversed()
      expect(await state.trimAlerts()).toBe(0)

      const events = await state.dispatch.events(0, 1_000)
      const to = (recipient: string) => (id: number) => ({ eventId: id, channel: 'email', recipient }) as const
      // The fourth still has a mail that waits.
      const sent = events.slice(0, 8).map(({ id }) => to('ani@example.org')(id))
      await state.dispatch.commit(events.at(-1)?.id ?? 0, sent)
      for (const one of await state.deliveries.due(bench().clock.now(), 6)) {
        await state.deliveries.saveMessage(one.id, { messageId: `<${one.id}@x>`, bytes: Uint8Array.of(1) })
        const attempt = { timeMs: 1, provider: 'main', code: null, response: '', latencyMs: 1 }
        await state.deliveries.recordAttempt(one.id, attempt, { kind: 'sent' })
      }
      expect(await state.trimAlerts()).toBe(10)
      expect(await left()).toEqual(['firing', 'old-3', ...ids.slice(11)].toSorted(byTime))
      expect(await state.alerts.timeline({ alertId: parseAlertId('old-0'), limit: 10 })).toMatchObject({ items: [] })
      expect(await state.notifications.counts()).toEqual({ queued: 2, sent: 0, failed: 0, suppressed: 0 })
      expect(await state.trimAlerts()).toBe(0)

      function byTime(a: string, b: string): number {
        const time = (id: string) => (id === 'firing' ? 0 : Number(id.slice(4)))
        return time(a) - time(b)
      }
    })
  })
}
