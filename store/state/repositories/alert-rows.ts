import { AppError } from '../../../model/index.ts'
import type { AlertActor, AlertEvent, AlertRecord } from '../alert-store.ts'
import { parseEvidence, parseTransition } from '../rule-columns.ts'
import type { StateSchema } from '../schema.ts'

export function toAlert(row: StateSchema['alerts']): AlertRecord {
  return {
    id: row.id,
    number: row.number,
    ruleId: row.rule_id,
    ruleVersion: row.rule_version,
    ruleName: row.rule_name,
    deviceId: row.device_id,
    siteId: row.site_id,
    metric: row.metric,
    severity: row.severity,
    state: row.state,
    startedMs: row.started_ms,
    firedMs: row.fired_ms,
    resolvedMs: row.resolved_ms,
    value: row.value,
    evidence: parseEvidence(row.evidence),
    acknowledgedMs: row.acknowledged_ms,
    acknowledgedBy: row.acknowledged_by,
    resolveReason: row.resolve_reason,
    resolution: row.resolution,
    rootCause: row.root_cause,
  }
}

export function toAlertEvent(row: StateSchema['alert_events']): AlertEvent {
  const step = { id: row.id, alertId: row.alert_id, timeMs: row.time_ms }
  switch (row.kind) {
    case 'pending':
    case 'firing':
    case 'severity':
    case 'resolved':
      if (row.transition === null) throw damaged(row)
      return { ...step, kind: row.kind, transition: parseTransition(row.transition) }
    case 'acknowledged':
      return { ...step, kind: row.kind, by: actorOf(row) }
    case 'commented':
      return { ...step, kind: row.kind, by: actorOf(row), text: row.text ?? '' }
    case 'resolve_requested':
      return { ...step, kind: row.kind, by: actorOf(row), resolution: row.text, rootCause: row.root_cause }
    default:
      throw damaged(row, row.kind)
  }
}

function actorOf(row: StateSchema['alert_events']): AlertActor {
  if (row.principal_kind === null || row.principal_id === null) throw damaged(row)
  return { kind: row.principal_kind, id: row.principal_id }
}

function damaged(row: StateSchema['alert_events'], kind: string = row.kind): AppError {
  return new AppError('store_failed', `read step ${row.id} of alert ${row.alert_id} failed: a damaged ${kind}`)
}
