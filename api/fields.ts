import { z } from '@hono/zod-openapi'
import {
  idPattern,
  isDeviceId,
  isReservedMetricName,
  metricNamePattern,
  parseAlertId,
  parseAssetId,
  parseDeviceId,
  parseKeyId,
  parseMetricName,
  parseProfileId,
  parseRuleId,
  parseSiteId,
} from '../model/index.ts'
import { formatTime, parseTime } from './time.ts'

const idRule = '1 to 64 of A-Z a-z 0-9 _ . : - and begins with a letter or a digit'
const idText = z.string().regex(idPattern, { error: `must be ${idRule}`, abort: true })

export const siteIdField = idText.transform(parseSiteId).openapi({ example: 'main' })
export const assetIdField = idText.transform(parseAssetId).openapi({ example: 'panel-1' })
export const profileIdField = idText.transform(parseProfileId).openapi({ example: 'meter-1ph' })
export const keyIdField = idText.transform(parseKeyId)
export const ruleIdField = idText.transform(parseRuleId).openapi({ example: 'overvoltage' })
export const alertIdField = idText.transform(parseAlertId)
export const deviceIdField = idText
  .refine(isDeviceId, { error: 'is taken: "alerts" and what begins with "key:" mean something else', abort: true })
  .transform(parseDeviceId)
  .openapi({ example: 'meter-0001' })
export const metricField = z
  .string()
  .regex(metricNamePattern, { error: 'must begin with a letter and have 1 to 64 of A-Z a-z 0-9 _', abort: true })
  .transform(parseMetricName)
  .openapi({ example: 'voltage' })

/** Of a metric that is to come in messages. */
export const newMetricField = metricField
  .refine(
    (name) => !isReservedMetricName(name),
    'must not be ts, values or __proto__, which messages have for themselves',
  )
  .openapi({ description: 'Not `ts`, `values` or `__proto__`' })

/** What people call a thing: no control characters, and no half of a pair of surrogates (`Cs`), which UTF-8 cannot
 * write, for it ends up in mails, logs and file names. */
export const nameField = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not have control characters, nor half characters')
  .openapi({ pattern: '^[^\\p{Cc}\\p{Cs}]*$', example: 'Main panel' })

/** What people write down, in lines; it ends up in mails too. */
export const textField = z
  .string()
  .trim()
  .min(1)
  .max(2_000)
  .regex(
    /^(?:[^\p{Cc}\p{Cs}]|[\n\t])*$/u,
    'must not have control characters but new lines and tabs, nor half characters',
  )
  .openapi({ pattern: '^(?:[^\\p{Cc}\\p{Cs}]|[\\n\\t])*$', example: 'Tap of the transformer lowered' })

export const tagsField = z
  .array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,63}$/, 'must be a word of 1 to 64 characters'))
  .max(64)
  .transform((tags) => [...new Set(tags)])
  .openapi({ description: 'Words to find it by; rules may select by them', example: ['floor-2'] })

const maxAttributes = 64

export const attributesField = z
  .record(
    z.string().regex(metricNamePattern, 'must begin with a letter and have 1 to 64 of A-Z a-z 0-9 _'),
    z.union([z.string().max(1000), z.number(), z.boolean()]),
  )
  .refine((attributes) => Object.keys(attributes).length <= maxAttributes, `must be ${maxAttributes} at most`)
  .openapi({ description: 'Facts about it that rules may compare with', example: { contract_kw: 90 } })

/** A time of an answer: epoch ms inside, RFC 3339 in UTC with milliseconds outside. */
export const timeField = z.iso.datetime().openapi({ format: 'date-time', example: '2026-11-23T10:00:00.000Z' })

export function timeOrNull(timeMs: number | null): string | null {
  return timeMs === null ? null : formatTime(timeMs)
}

/** A time of a request, in a query or in a body. */
export const timeInput = z
  .string()
  .transform((text, context) => {
    const timeMs = parseTime(text)
    if (timeMs !== undefined) return timeMs
    context.addIssue({
      code: 'custom',
      message: 'must be a time as of RFC 3339, or milliseconds or seconds since 1970',
    })
    return z.NEVER
  })
  .openapi({ example: '2026-11-23T10:00:00.000Z' })

/** A whole number in a query. */
export function integerInput(min: number, max: number) {
  return z
    .string()
    .regex(/^\d{1,15}$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(min).max(max))
    .openapi({ type: 'integer', minimum: min, maximum: max })
}

const mostListed = 100

/** Several of one kind in a query, separated by commas. */
export function listInput<Item extends z.ZodType>(item: Item) {
  return z
    .string()
    .transform((text, context): readonly z.output<Item>[] => {
      const parts = [...new Set(text.split(',').map((part) => part.trim()))]
      if (parts.length > mostListed) context.addIssue(`must be ${mostListed} at most`)
      return parts.flatMap((part) => {
        const parsed = item.safeParse(part)
        if (parsed.success) return [parsed.data]
        context.addIssue(`${JSON.stringify(part.slice(0, 80))} is none`)
        return []
      })
    })
    .openapi({ description: 'One or several, separated by commas' })
}
