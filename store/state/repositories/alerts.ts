import type { AlertState } from '../../../model/index.ts'
import type { AlertQueries } from '../alert-store.ts'
import { lastNumber } from '../counters.ts'
import { emptyPage, toPage } from '../page.ts'
import type { Db, StateSchema } from '../schema.ts'
import { toAlert, toAlertEvent } from './alert-rows.ts'
import { positionOf, stepsTrimmed } from './positions.ts'

export function alertQueries(db: Db): AlertQueries {
  return {
    async get(id) {
      const row = await db.selectFrom('alerts').selectAll().where('id', '=', id).executeTakeFirst()
      return row && toAlert(row)
    },

    async list({ scope, state, severity, deviceId, ruleId, siteId, fromMs, toMs, limit, after }) {
      if (scope !== 'all' && scope.length === 0) return emptyPage
      let query = db
        .selectFrom('alerts')
        .selectAll()
        .orderBy('started_ms', 'desc')
        .orderBy('number', 'desc')
        .limit(limit + 1)
      if (scope !== 'all') query = query.where('site_id', 'in', scope)
      if (state !== undefined) query = query.where('state', '=', state)
      if (severity !== undefined) query = query.where('severity', '=', severity)
      if (deviceId !== undefined) query = query.where('device_id', '=', deviceId)
      if (ruleId !== undefined) query = query.where('rule_id', '=', ruleId)
      if (siteId !== undefined) query = query.where('site_id', '=', siteId)
      if (fromMs !== undefined) query = query.where('started_ms', '>=', fromMs)
      if (toMs !== undefined) query = query.where('started_ms', '<', toMs)
      if (after !== undefined)
        query = query.where((eb) => eb(eb.refTuple('started_ms', 'number'), '<', eb.tuple(after.timeMs, after.id)))
      const cursor = (row: StateSchema['alerts']) => ({ timeMs: row.started_ms, id: row.number })
      return toPage(await query.execute(), limit, { item: toAlert, cursor })
    },

    async timeline({ alertId, limit, after }) {
      let query = db
        .selectFrom('alert_events')
        .selectAll()
        .where('alert_id', '=', alertId)
        .orderBy('id')
        .limit(limit + 1)
      if (after !== undefined) query = query.where('id', '>', after)
      return toPage(await query.execute(), limit, { item: toAlertEvent, cursor: (row) => row.id })
    },

    async news({ after, upTo, limit }) {
      const rows = await db
        .selectFrom('alert_events')
        .selectAll()
        .where('id', '>', after)
        .where('id', '<=', upTo)
        .where('kind', '!=', 'pending')
        .orderBy('id')
        .limit(limit)
        .execute()
      if (rows.length === 0) return []
      const ids = [...new Set(rows.map((row) => row.alert_id))]
      const found = await db.selectFrom('alerts').selectAll().where('id', 'in', ids).execute()
      const alerts = new Map(found.map((row) => [row.id, toAlert(row)]))
      return rows.flatMap((row) => {
        const alert = alerts.get(row.alert_id)
        // Removed between the two queries.
        return alert === undefined ? [] : [{ event: toAlertEvent(row), alert }]
      })
    },

    async stepBounds() {
      const [newest, trimmed] = await Promise.all([lastNumber(db, 'alert-event'), positionOf(db, stepsTrimmed)])
      return { newest, trimmed }
    },

    async counts({ scope }) {
      const counts: Record<AlertState, number> = { pending: 0, firing: 0, resolved: 0 }
      if (scope !== 'all' && scope.length === 0) return counts
      let query = db
        .selectFrom('alerts')
        .select((eb) => ['state', eb.fn.countAll<number>().as('count')])
        .groupBy('state')
      if (scope !== 'all') query = query.where('site_id', 'in', scope)
      for (const { state, count } of await query.execute()) counts[state] = count
      return counts
    },
  }
}
