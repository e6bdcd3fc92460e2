import type { AlertId, AlertState, Transition } from '../../../model/index.ts'
import type { AlertLedger } from '../alert-store.ts'
import { takeNumber } from '../counters.ts'
import type { Db, StateSchema, Tx } from '../schema.ts'
import { advance, positionOf } from './positions.ts'

const consumer = 'rules'

export function alertLedger(reader: Db, writer: Db): AlertLedger {
  return {
    position: () => positionOf(reader, consumer),

    record: (transitions, position) =>
      writer.transaction().execute(async (tx) => {
        if (!(await advance(tx, consumer, position)) || transitions.length === 0) return
        const first = await takeNumber(tx, 'alert-event', transitions.length)
        for (const [i, transition] of transitions.entries()) {
          if (transition.kind === 'inactive') await forget(tx, transition.alertId)
          else await apply(tx, transition, transition.kind, first + i)
        }
      }),
  }
}

/** An alert that ceased while it was pending was none. */
async function forget(tx: Tx, id: AlertId): Promise<void> {
  const alert = await tx.selectFrom('alerts').select('state').where('id', '=', id).executeTakeFirst()
  if (alert?.state !== 'pending') return
  await tx.deleteFrom('alert_events').where('alert_id', '=', id).execute()
  await tx.deleteFrom('alerts').where('id', '=', id).execute()
}

type LastingKind = Exclude<Transition['kind'], 'inactive'>

async function apply(tx: Tx, transition: Transition, kind: LastingKind, eventId: number): Promise<void> {
  const { alertId, ordinal, timeMs } = transition
  const before = await tx.selectFrom('alerts').select('state').where('id', '=', alertId).executeTakeFirst()
  const changes = toChanges(transition, kind, before?.state)
  if (before === undefined) await insertAlert(tx, transition, changes)
  else await tx.updateTable('alerts').set(changes).where('id', '=', alertId).execute()
  await tx
    .insertInto('alert_events')
    .values({ id: eventId, alert_id: alertId, ordinal, kind, time_ms: timeMs, transition: JSON.stringify(transition) })
    .execute()
}

type Row = StateSchema['alerts']
type Changes = Pick<Row, 'rule_version' | 'rule_name' | 'severity' | 'state' | 'value' | 'evidence'> &
  Partial<Pick<Row, 'fired_ms' | 'resolved_ms' | 'resolve_reason'>>

function toChanges(transition: Transition, kind: LastingKind, state: AlertState | undefined): Changes {
  const { ruleVersion, ruleName, severity, value, timeMs, reason } = transition
  const evidence = JSON.stringify(transition.evidence)
  const last = { rule_version: ruleVersion, rule_name: ruleName, severity, value, evidence }
  switch (kind) {
    case 'pending':
      return { ...last, state: 'pending' }
    case 'firing':
      return { ...last, state: 'firing', fired_ms: timeMs }
    case 'severity':
      return { ...last, state: state ?? 'firing' }
    case 'resolved':
      return { ...last, state: 'resolved', resolved_ms: timeMs, resolve_reason: reason }
    default:
      return kind satisfies never
  }
}

async function insertAlert(tx: Tx, transition: Transition, changes: Changes): Promise<void> {
  const { alertId, ruleId, deviceId, siteId, metric, timeMs } = transition
  const subject = { rule_id: ruleId, device_id: deviceId, site_id: siteId, metric }
  const number = await takeNumber(tx, 'alert')
  await tx
    .insertInto('alerts')
    .values({ id: alertId, number, ...subject, started_ms: timeMs, ...changes })
    .execute()
}
