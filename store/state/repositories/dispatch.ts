import { AppError } from '../../../model/index.ts'
import { takeNumber } from '../counters.ts'
import type { DispatchEvent, DispatchLedger, NotificationInput } from '../notification-store.ts'
import type { Db, StateSchema, Tx } from '../schema.ts'
import { newId } from '../tokens.ts'
import { toAlertEvent } from './alert-rows.ts'
import { alertQueries } from './alerts.ts'
import { deviceQueries } from './devices.ts'
import { advance, positionOf } from './positions.ts'
import { invalid } from './refusals.ts'
import { siteQueries } from './sites.ts'

export const dispatcherConsumer = 'dispatcher'

export function dispatchLedger(reader: Db, writer: Db, now: () => number): DispatchLedger {
  const alerts = alertQueries(reader)
  const devices = deviceQueries(reader)
  const sites = siteQueries(reader)

  return {
    position: () => positionOf(reader, dispatcherConsumer),

    async events(afterEventId, limit) {
      const rows = await reader
        .selectFrom('alert_events')
        .selectAll()
        .where('id', '>', afterEventId)
        .where('kind', 'in', ['firing', 'severity', 'resolved'])
        .orderBy('id')
        .limit(limit)
        .execute()
      return Promise.all(rows.map(withSurroundings))
    },

    async event(eventId) {
      const row = await reader.selectFrom('alert_events').selectAll().where('id', '=', eventId).executeTakeFirst()
      return row && withSurroundings(row)
    },

    commit: (position, decisions) =>
      writer.transaction().execute(async (tx) => {
        if (!(await advance(tx, dispatcherConsumer, position)) || decisions.length === 0) return
        const nowMs = now()
        const first = await takeNumber(tx, 'notification', decisions.length)
        for (const [i, decision] of decisions.entries()) await insert(tx, decision, first + i, nowMs)
      }),
  }

  async function withSurroundings(row: StateSchema['alert_events']): Promise<DispatchEvent> {
    const event = toAlertEvent(row)
    const alert = await alerts.get(row.alert_id)
    if (!('transition' in event) || alert === undefined)
      throw new AppError('store_failed', `read step ${row.id} of alert ${row.alert_id} failed: it is no transition`)
    const { deviceId, siteId } = alert
    const [device, site] = await Promise.all([devices.get(deviceId), sites.get(siteId)])
    return { id: row.id, event, alert, device: device ?? null, site: site ?? null }
  }
}

async function insert(tx: Tx, decision: NotificationInput, number: number, nowMs: number): Promise<void> {
  const { eventId, channel, recipient, suppressedBy } = decision
  const event = await tx
    .selectFrom('alert_events')
    .innerJoin('alerts', 'alerts.id', 'alert_events.alert_id')
    .select(['alert_events.alert_id', 'alerts.site_id'])
    .where('alert_events.id', '=', eventId)
    .executeTakeFirst()
  if (event === undefined) throw invalid(`notify ${recipient}`, 'eventId', `${eventId} is unknown`)
  const queued = suppressedBy === undefined
  const state = { state: queued ? 'queued' : 'suppressed', reason: suppressedBy ?? null, attempts: 0 } as const
  const times = { created_ms: nowMs, next_attempt_ms: queued ? nowMs : null }
  await tx
    .insertInto('notifications')
    .values({ id: newId(), number, kind: 'alert', event_id: eventId, ...event, channel, recipient, ...state, ...times })
    .onConflict((conflict) => conflict.columns(['event_id', 'channel', 'recipient']).doNothing())
    .execute()
}
