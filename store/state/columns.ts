import { z } from 'zod'
import {
  type Attributes,
  type DeviceLimits,
  type Metric,
  metricKinds,
  parseMetricName,
  parseSiteId,
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
const siteScopeSchema = z.union([z.literal('all'), z.array(z.string().transform(parseSiteId))])

export function parseMetrics(text: string): readonly Metric[] {
  return metricsSchema.parse(JSON.parse(text))
}

export function parseAttributes(text: string): Attributes {
  return text === '{}' ? {} : attributesSchema.parse(JSON.parse(text))
}

export function parseTexts(text: string): readonly string[] {
  return text === '[]' ? [] : textsSchema.parse(JSON.parse(text))
}

export function parseLimits(text: string): DeviceLimits {
  return text === '{}' ? {} : limitsSchema.parse(JSON.parse(text))
}

export function parseSiteScope(text: string): SiteScope {
  return siteScopeSchema.parse(JSON.parse(text))
}
