import { z } from '@hono/zod-openapi'
import { comparisons, isNoData, type RuleCondition, type RuleRecord, severities } from '../model/index.ts'
import { deviceIdField, metricField, nameField, profileIdField, ruleIdField, siteIdField } from './fields.ts'

const severity = z.enum(severities)

const targetInput = z.union(
  [
    z.strictObject({ device: deviceIdField }),
    z.strictObject({ profile: profileIdField }),
    z.strictObject({ site: siteIdField }),
  ],
  { error: 'must be {"device": …}, {"profile": …} or {"site": …}' },
)

const levelInput = z
  .strictObject({
    severity,
    value: z.number().openapi({ description: 'Beyond this value the level holds' }),
    clear: z
      .number()
      .optional()
      .openapi({ description: 'It holds until the value is back at this side of it; `value` itself by default' }),
  })
  .openapi('RuleLevel')

const thresholdInput = z
  .strictObject({ metric: metricField, op: z.enum(comparisons), levels: z.array(levelInput).min(1).max(3) })
  .openapi('ThresholdCondition', { description: 'The newest reading of a metric against one to three levels' })

const noDataInput = z
  .strictObject({
    noData: z.strictObject({
      intervals: z.int().min(1).max(10_000).openapi({ description: "In reporting intervals of the device's profile" }),
      severity,
    }),
  })
  .openapi('NoDataCondition', { description: 'Silence of a device, from its registration on' })

const conditionInput = z.union([thresholdInput, noDataInput], {
  error: 'must be {"metric", "op", "levels"} or {"noData": {"intervals", "severity"}}',
})

const holdMs = z
  .int()
  .min(0)
  .max(90 * 86_400_000)
const fields = {
  name: nameField,
  enabled: z.boolean(),
  appliesTo: targetInput.openapi({ example: { profile: 'meter-1ph' } }),
  condition: conditionInput.openapi({
    example: { metric: 'voltage', op: '>', levels: [{ severity: 'warning', value: 253, clear: 250 }] },
  }),
  forMs: holdMs.openapi({ description: 'So long the condition must hold before the alert fires' }),
  keepFiringForMs: holdMs.openapi({ description: 'So long a firing alert outlives its condition' }),
}

export const ruleInput = z
  .strictObject({
    id: ruleIdField.optional().openapi({ description: 'Without it the rule gets one' }),
    ...fields,
    enabled: fields.enabled.default(true),
    forMs: fields.forMs.default(0),
    keepFiringForMs: fields.keepFiringForMs.default(0),
  })
  .openapi('NewRule')

export const rulePatch = z.strictObject(fields).partial().openapi('RulePatch')

export const ruleSchema = z
  .strictObject({
    id: z.string(),
    version: z.int().openapi({ description: '1, 2, …; every change makes a new one' }),
    name: z.string(),
    enabled: z.boolean(),
    appliesTo: z.union([
      z.strictObject({ device: z.string() }),
      z.strictObject({ profile: z.string() }),
      z.strictObject({ site: z.string() }),
    ]),
    condition: z.union([
      z.strictObject({
        metric: z.string(),
        op: z.enum(comparisons),
        levels: z.array(z.strictObject({ severity, value: z.number(), clear: z.number().optional() })),
      }),
      z.strictObject({ noData: z.strictObject({ intervals: z.int(), severity }) }),
    ]),
    forMs: z.int(),
    keepFiringForMs: z.int(),
  })
  .openapi('Rule')

/** The words of a request as the model has them. */
export function toCondition(input: z.output<typeof conditionInput>): RuleCondition {
  if ('noData' in input) return input
  const levels = input.levels.map(({ clear, ...level }) => ({ ...level, ...(clear !== undefined && { clear }) }))
  return { ...input, levels }
}

export function toRule(rule: RuleRecord): z.input<typeof ruleSchema> {
  const { id, version, name, enabled, appliesTo, forMs, keepFiringForMs } = rule
  const condition = isNoData(rule.condition)
    ? rule.condition
    : { ...rule.condition, levels: [...rule.condition.levels] }
  return { id, version, name, enabled, appliesTo, condition, forMs, keepFiringForMs }
}
