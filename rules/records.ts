import { z } from 'zod'
import {
  comparisons,
  type DeviceId,
  idPattern,
  isDeviceId,
  isMetricName,
  type MetricName,
  type ProfileId,
  type RuleId,
  type RuleRecord,
  type SiteId,
  severities,
} from '../model/index.ts'

/** What rules need of the records that control frames carry; what does not fit comes from another version of us. */

const isId = (value: unknown) => typeof value === 'string' && idPattern.test(value)
const siteId = z.custom<SiteId>(isId)
const profileId = z.custom<ProfileId>(isId)
const ruleId = z.custom<RuleId>(isId)
const deviceId = z.custom<DeviceId>((value) => typeof value === 'string' && isDeviceId(value))
const metricName = z.custom<MetricName>((value) => typeof value === 'string' && isMetricName(value))

export const watchedDeviceSchema = z.object({ id: deviceId, number: z.int().positive(), siteId, profileId })
export type WatchedDevice = Readonly<z.infer<typeof watchedDeviceSchema>>

export const watchedProfileSchema = z.object({
  id: profileId,
  reportingIntervalMs: z.number().positive(),
  metrics: z.array(z.object({ name: metricName, unit: z.string() })),
})
export type WatchedProfile = Readonly<z.infer<typeof watchedProfileSchema>>

const severity = z.enum(severities)
const level = z.object({ severity, value: z.number(), clear: z.number().exactOptional() })
const durationMs = z.number().min(0)

export const ruleRecordSchema: z.ZodType<RuleRecord> = z.object({
  id: ruleId,
  name: z.string(),
  version: z.int().positive(),
  enabled: z.boolean(),
  appliesTo: z.union([
    z.strictObject({ device: deviceId }),
    z.strictObject({ profile: profileId }),
    z.strictObject({ site: siteId }),
  ]),
  condition: z.union([
    z.object({ metric: metricName, op: z.enum(comparisons), levels: z.array(level).min(1).max(severities.length) }),
    z.object({ noData: z.object({ intervals: z.number().positive(), severity }) }),
  ]),
  forMs: durationMs,
  keepFiringForMs: durationMs,
})

/** Of `alert/{id}`. */
export const alertOrderSchema = z.object({ resolve: z.literal(true) })
