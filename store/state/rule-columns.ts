import { z } from 'zod'
import {
  comparisons,
  type Evidence,
  parseAlertId,
  parseDeviceId,
  parseMetricName,
  parseProfileId,
  parseRuleId,
  parseSiteId,
  qualityNames,
  type RuleRecord,
  resolveReasons,
  severities,
  type Transition,
  transitionKinds,
} from '../../model/index.ts'
import { parseColumn } from './columns.ts'

/** JSON columns of rules and of what they decided, checked on the way out like the others. */

const severity = z.enum(severities)
const deviceId = z.string().transform(parseDeviceId)
const siteId = z.string().transform(parseSiteId)
const ruleId = z.string().transform(parseRuleId)
const metricName = z.string().transform(parseMetricName)

const thresholdSchema = z.strictObject({
  metric: metricName,
  op: z.enum(comparisons),
  levels: z.array(z.strictObject({ severity, value: z.number(), clear: z.number().exactOptional() })),
})
const noDataSchema = z.strictObject({ noData: z.strictObject({ intervals: z.number(), severity }) })

const ruleSchema: z.ZodType<RuleRecord> = z.strictObject({
  id: ruleId,
  name: z.string(),
  version: z.int(),
  enabled: z.boolean(),
  appliesTo: z.union([
    z.strictObject({ device: deviceId }),
    z.strictObject({ profile: z.string().transform(parseProfileId) }),
    z.strictObject({ site: siteId }),
  ]),
  condition: z.union([thresholdSchema, noDataSchema]),
  forMs: z.number(),
  keepFiringForMs: z.number(),
})

const evidenceSchema: z.ZodType<Evidence> = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('threshold'),
    op: z.enum(comparisons),
    limit: z.number(),
    clear: z.number(),
    value: z.number(),
    unit: z.string(),
    quality: z.enum(qualityNames),
    readingTimeMs: z.number(),
    sinceMs: z.number(),
    forMs: z.number(),
    keepFiringForMs: z.number(),
    decidedBy: z.enum(['reading', 'timer']),
  }),
  z.strictObject({
    kind: z.literal('no_data'),
    lastSeenMs: z.number().nullable(),
    armedMs: z.number(),
    intervals: z.number(),
    intervalMs: z.number(),
    downtimeMs: z.number(),
  }),
])

const transitionSchema: z.ZodType<Transition> = z.strictObject({
  alertId: z.string().transform(parseAlertId),
  ordinal: z.int(),
  kind: z.enum(transitionKinds),
  severity,
  reason: z.enum(resolveReasons).nullable(),
  ruleId,
  ruleVersion: z.int(),
  ruleName: z.string(),
  deviceId,
  siteId,
  metric: metricName.nullable(),
  timeMs: z.number(),
  receivedMs: z.number(),
  position: z.number(),
  value: z.number().nullable(),
  evidence: evidenceSchema,
})

export function parseRule(text: string): RuleRecord {
  return parseColumn('rule', ruleSchema, text)
}

export function parseEvidence(text: string): Evidence {
  return parseColumn('evidence', evidenceSchema, text)
}

export function parseTransition(text: string): Transition {
  return parseColumn('transition', transitionSchema, text)
}
