import { z } from '@hono/zod-openapi'
import {
  alertStates,
  comparisons,
  type Evidence,
  principalKinds,
  qualityNames,
  resolveReasons,
  severities,
} from '../model/index.ts'
import type { AlertEvent, AlertRecord } from '../store/state/index.ts'
import { timeField, timeOrNull } from './fields.ts'
import { formatTime } from './time.ts'

const severity = z.enum(severities)

const evidenceSchema = z
  .union([
    z.strictObject({
      kind: z.literal('threshold'),
      op: z.enum(comparisons),
      limit: z.number().openapi({ description: 'Of the severity that this is about' }),
      clear: z.number().openapi({ description: 'Where that severity ceases' }),
      value: z.number(),
      unit: z.string(),
      quality: z.enum(qualityNames),
      readingAt: timeField.openapi({ description: "Of the reading that decided, on the device's clock" }),
      since: timeField.openapi({ description: 'Since when the condition has held, or has not' }),
      forMs: z.number(),
      keepFiringForMs: z.number(),
      decidedBy: z.enum(['reading', 'timer']),
    }),
    z.strictObject({
      kind: z.literal('no_data'),
      lastSeenAt: timeField.nullable().openapi({ description: 'Null: never heard since `armedAt`' }),
      armedAt: timeField,
      intervals: z.number(),
      intervalMs: z.number(),
      downtimeMs: z.number().openapi({ description: 'Time in which the platform was down; it does not count' }),
    }),
  ])
  .openapi('Evidence', { description: 'The values, limits and clock that decided: enough to check it by hand' })

export const alertSchema = z
  .strictObject({
    id: z.string(),
    ruleId: z.string(),
    ruleVersion: z.int(),
    ruleName: z.string(),
    deviceId: z.string(),
    siteId: z.string(),
    metric: z.string().nullable().openapi({ description: 'Null: it is about the device' }),
    severity,
    state: z.enum(alertStates),
    startedAt: timeField,
    firedAt: timeField.nullable(),
    resolvedAt: timeField.nullable(),
    value: z.number().nullable().openapi({ description: 'Of the last step; null for no data' }),
    evidence: evidenceSchema,
    acknowledgedAt: timeField.nullable(),
    acknowledgedBy: z.string().nullable(),
    resolveReason: z.enum(resolveReasons).nullable(),
    resolution: z.string().nullable(),
    rootCause: z.string().nullable(),
  })
  .openapi('Alert')

const step = { id: z.int(), time: timeField }
const by = z.strictObject({ kind: z.enum(principalKinds), id: z.string() })

export const stepSchema = z
  .union([
    z.strictObject({
      ...step,
      kind: z.enum(['pending', 'firing', 'severity', 'resolved']),
      severity,
      reason: z.enum(resolveReasons).nullable(),
      ruleVersion: z.int(),
      value: z.number().nullable(),
      evidence: evidenceSchema,
    }),
    z.strictObject({ ...step, kind: z.literal('acknowledged'), by }),
    z.strictObject({ ...step, kind: z.literal('commented'), by, text: z.string() }),
    z.strictObject({
      ...step,
      kind: z.literal('resolve_requested'),
      by,
      resolution: z.string().nullable(),
      rootCause: z.string().nullable(),
    }),
  ])
  .openapi('AlertStep', { description: 'What the rules decided, or what somebody did; it never changes' })

export function toAlert(alert: AlertRecord): z.input<typeof alertSchema> {
  return {
    id: alert.id,
    ruleId: alert.ruleId,
    ruleVersion: alert.ruleVersion,
    ruleName: alert.ruleName,
    deviceId: alert.deviceId,
    siteId: alert.siteId,
    metric: alert.metric,
    severity: alert.severity,
    state: alert.state,
    startedAt: formatTime(alert.startedMs),
    firedAt: timeOrNull(alert.firedMs),
    resolvedAt: timeOrNull(alert.resolvedMs),
    value: alert.value,
    evidence: toEvidence(alert.evidence),
    acknowledgedAt: timeOrNull(alert.acknowledgedMs),
    acknowledgedBy: alert.acknowledgedBy,
    resolveReason: alert.resolveReason,
    resolution: alert.resolution,
    rootCause: alert.rootCause,
  }
}

export function toStep(event: AlertEvent): z.input<typeof stepSchema> {
  const { id, kind } = event
  const time = formatTime(event.timeMs)
  switch (kind) {
    case 'acknowledged':
      return { id, time, kind, by: event.by }
    case 'commented':
      return { id, time, kind, by: event.by, text: event.text }
    case 'resolve_requested':
      return { id, time, kind, by: event.by, resolution: event.resolution, rootCause: event.rootCause }
    case 'pending':
    case 'firing':
    case 'severity':
    case 'resolved': {
      const { severity, reason, ruleVersion, value, evidence } = event.transition
      return { id, time, kind, severity, reason, ruleVersion, value, evidence: toEvidence(evidence) }
    }
    default:
      return kind satisfies never
  }
}

function toEvidence(evidence: Evidence): z.input<typeof evidenceSchema> {
  switch (evidence.kind) {
    case 'threshold': {
      const { readingTimeMs, sinceMs, ...rest } = evidence
      return { ...rest, readingAt: formatTime(readingTimeMs), since: formatTime(sinceMs) }
    }
    case 'no_data': {
      const { lastSeenMs, armedMs, ...rest } = evidence
      return { ...rest, lastSeenAt: timeOrNull(lastSeenMs), armedAt: formatTime(armedMs) }
    }
    default:
      return evidence satisfies never
  }
}
