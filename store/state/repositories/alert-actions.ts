import { type AlertId, type AlertOrder, controlTopic } from '../../../model/index.ts'
import type { AlertRecord, AlertWrites } from '../alert-store.ts'
import type { ChangeScope } from '../change.ts'
import { takeNumber } from '../counters.ts'
import type { StateSchema } from '../schema.ts'
import { alertQueries } from './alerts.ts'
import { conflict, notFound } from './refusals.ts'

const order: AlertOrder = { resolve: true }

export function alertWrites({ db, nowMs, principal, note }: ChangeScope): AlertWrites {
  const alerts = alertQueries(db)

  return {
    async acknowledge(id) {
      const doing = `acknowledge alert ${id}`
      const before = await fired(doing, id)
      if (before.acknowledgedMs !== null) return before
      if (before.state === 'resolved') throw conflict(doing, 'state', 'is resolved already')
      await db
        .updateTable('alerts')
        .set({ acknowledged_ms: nowMs, acknowledged_by: principal.id })
        .where('id', '=', id)
        .execute()
      await addStep(id, 'acknowledged')
      const after = { ...before, acknowledgedMs: nowMs, acknowledgedBy: principal.id }
      await note({ verb: 'acknowledge', type: 'alert', id, siteId: before.siteId, before, after })
      return after
    },

    async comment(id, text) {
      const alert = await fired(`comment alert ${id}`, id)
      await addStep(id, 'commented', { text })
      await note({ verb: 'comment', type: 'alert', id, siteId: alert.siteId, after: { comment: text } })
      return alert
    },

    async requestResolve(id, { resolution = null, rootCause = null }) {
      const doing = `resolve alert ${id}`
      const before = await fired(doing, id)
      if (before.state === 'resolved') throw conflict(doing, 'state', 'is resolved already')
      const texts = { resolution, root_cause: rootCause }
      await db.updateTable('alerts').set(texts).where('id', '=', id).execute()
      await addStep(id, 'resolve_requested', { text: resolution, root_cause: rootCause })
      const after = { ...before, resolution, rootCause }
      const control = { controlTopic: controlTopic.alert(id), controlPayload: order }
      await note({ verb: 'resolve', type: 'alert', id, siteId: before.siteId, before, after, ...control })
      return after
    },
  }

  /** A pending alert may vanish without a trace, so nobody can leave one on it. */
  async function fired(doing: string, id: AlertId): Promise<AlertRecord> {
    const alert = await alerts.get(id)
    if (alert === undefined) throw notFound(doing)
    if (alert.state === 'pending') throw conflict(doing, 'state', 'is pending: it has not fired yet')
    return alert
  }

  async function addStep(
    alertId: AlertId,
    kind: 'acknowledged' | 'commented' | 'resolve_requested',
    texts: Partial<Pick<StateSchema['alert_events'], 'text' | 'root_cause'>> = {},
  ): Promise<void> {
    const row = {
      id: await takeNumber(db, 'alert-event'),
      alert_id: alertId,
      ordinal: null,
      kind,
      time_ms: nowMs,
      transition: null,
      principal_kind: principal.kind,
      principal_id: principal.id,
      text: null,
      root_cause: null,
    }
    await db
      .insertInto('alert_events')
      .values({ ...row, ...texts })
      .execute()
  }
}
