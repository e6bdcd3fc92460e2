import { z } from 'zod'
import {
  AppError,
  type Attributes,
  type DeviceLimits,
  type Metric,
  metricKinds,
  parseMetricName,
  parseSiteId,
  type Quarantine,
  type SiteScope,
} from '../../model/index.ts'

/** JSON columns, checked on the way out: what another program wrote into the file is not trusted. */

const metricsSchema = z.array(
  z.strictObject({
    name: z.string().transform(parseMetricName),
    unit: z.string(),
    kind: z.enum(metricKinds),
    min: z.number(),
    max: z.number(),
    maxRatePerS: z.number().nullable(),
    digits: z.int().nullable(),
    multiplier: z.number(),
  }),
)
const attributesSchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
const textsSchema = z.array(z.string())
const limitsSchema = z.strictObject({
  messagesPerS: z.number().exactOptional(),
  payloadBytes: z.int().exactOptional(),
  topicLevels: z.int().exactOptional(),
  metrics: z.int().exactOptional(),
})
const quarantineSchema = z.strictObject({ reason: z.string(), sinceMs: z.number(), by: z.string() })
const siteScopeSchema = z.union([z.literal('all'), z.array(z.string().transform(parseSiteId))])

export function parseMetrics(text: string): readonly Metric[] {
  return parseColumn('metrics', metricsSchema, text)
}

export function parseAttributes(text: string): Attributes {
  return text === '{}' ? {} : parseColumn('attributes', attributesSchema, text)
}

export function parseTexts(text: string): readonly string[] {
  return text === '[]' ? [] : parseColumn('list of texts', textsSchema, text)
}

export function parseLimits(text: string): DeviceLimits {
  return text === '{}' ? {} : parseColumn('limits', limitsSchema, text)
}

export function parseQuarantine(text: string): Quarantine {
  return parseColumn('quarantine', quarantineSchema, text)
}

export function parseSiteScope(text: string): SiteScope {
  return parseColumn('sites', siteScopeSchema, text)
}

export function parseColumn<Value>(noun: string, schema: z.ZodType<Value>, text: string): Value {
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    throw new AppError('store_failed', `read ${noun} ${text.slice(0, 80)} from state failed`, { cause })
  }
}
