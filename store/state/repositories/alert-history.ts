import type { AlertId } from '../../../model/index.ts'
import type { Db, Tx } from '../schema.ts'
import { dispatcherConsumer } from './dispatch.ts'
import { positionOf, raise, stepsTrimmed } from './positions.ts'

/** Alerts of one transaction: the write lock is held for some 10 ms. */
const alertsPerRound = 200

/**
 * Removes the oldest resolved alerts beyond the newest `kept`, with their timelines and their notifications. One whose
 * steps the dispatcher has not met yet stays, and one of whose messages still waits to be sent.
 */
export async function trimAlerts(writer: Db, kept: number): Promise<number> {
  let removed = 0
  for (;;) {
    const ids = await writer.transaction().execute(async (tx) => {
      const ids = await oldest(tx, kept)
      if (ids.length > 0) await remove(tx, ids)
      return ids
    })
    removed += ids.length
    if (ids.length < alertsPerRound) return removed
  }
}

async function oldest(tx: Tx, kept: number): Promise<readonly AlertId[]> {
  const { count } = await tx
    .selectFrom('alerts')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('state', '=', 'resolved')
    .executeTakeFirstOrThrow()
  if (count <= kept) return []
  const dispatched = await positionOf(tx, dispatcherConsumer)
  const rows = await tx
    .selectFrom('alerts')
    .select('id')
    .where('state', '=', 'resolved')
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('alert_events')
            .select('alert_events.id')
            .whereRef('alert_events.alert_id', '=', 'alerts.id')
            .where('alert_events.id', '>', dispatched)
            .where('alert_events.ordinal', 'is not', null),
        ),
      ),
    )
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('notifications')
            .select('notifications.id')
            .whereRef('notifications.alert_id', '=', 'alerts.id')
            .where('notifications.next_attempt_ms', 'is not', null),
        ),
      ),
    )
    .orderBy('started_ms')
    .orderBy('number')
    .limit(Math.min(count - kept, alertsPerRound))
    .execute()
  return rows.map(({ id }) => id)
}

async function remove(tx: Tx, ids: readonly AlertId[]): Promise<void> {
  const last = await tx
    .selectFrom('alert_events')
    .select((eb) => eb.fn.max('id').as('id'))
    .where('alert_id', 'in', ids)
    .executeTakeFirst()
  // Who follows the steps is told that some are gone.
  await raise(tx, stepsTrimmed, Number(last?.id ?? 0))
  const notifications = tx.selectFrom('notifications').select('id').where('alert_id', 'in', ids)
  await tx.deleteFrom('notification_messages').where('notification_id', 'in', notifications).execute()
  await tx.deleteFrom('notification_attempts').where('notification_id', 'in', notifications).execute()
  await tx.deleteFrom('notifications').where('alert_id', 'in', ids).execute()
  await tx.deleteFrom('alert_events').where('alert_id', 'in', ids).execute()
  await tx.deleteFrom('alerts').where('id', 'in', ids).execute()
}
