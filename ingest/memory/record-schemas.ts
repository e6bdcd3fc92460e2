import { z } from 'zod'
import {
  type AssetId,
  type DeviceId,
  type DeviceRecord,
  idPattern,
  isDeviceId,
  isMetricName,
  type MetricName,
  metricKinds,
  type ProfileId,
  type ProfileRecord,
  type SiteId,
  type SiteRecord,
} from '../../model/index.ts'

/** Control frames come from ourselves, yet perhaps from another version: what does not fit is named and left out. */

const siteId = z.custom<SiteId>((value) => typeof value === 'string' && idPattern.test(value))
const assetId = z.custom<AssetId>((value) => typeof value === 'string' && idPattern.test(value))
const profileId = z.custom<ProfileId>((value) => typeof value === 'string' && idPattern.test(value))
const deviceId = z.custom<DeviceId>((value) => typeof value === 'string' && isDeviceId(value))
const metricName = z.custom<MetricName>((value) => typeof value === 'string' && isMetricName(value))

export const siteRecordSchema: z.ZodType<SiteRecord> = z.object({
  id: siteId,
  name: z.string(),
  timeZone: z.string(),
  currency: z.string(),
})

const metric = z.object({
  name: metricName,
  unit: z.string(),
  kind: z.enum(metricKinds),
  min: z.number(),
  max: z.number(),
  maxRatePerS: z.number().nullable(),
  digits: z.int().nullable(),
  multiplier: z.number(),
})

export const profileRecordSchema: z.ZodType<ProfileRecord> = z.object({
  id: profileId,
  name: z.string(),
  reportingIntervalMs: z.number().positive(),
  metrics: z.array(metric),
})

const limits = z.object({
  messagesPerS: z.number().exactOptional(),
  payloadBytes: z.number().exactOptional(),
  topicLevels: z.number().exactOptional(),
  metrics: z.number().exactOptional(),
})

export const deviceRecordSchema: z.ZodType<DeviceRecord> = z.object({
  id: deviceId,
  number: z.int().positive(),
  siteId,
  profileId,
  assetId: assetId.nullable(),
  gatewayId: deviceId.nullable(),
  name: z.string(),
  attributes: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  tags: z.array(z.string()),
  limits,
  quarantine: z.object({ reason: z.string(), sinceMs: z.number(), by: z.string() }).exactOptional(),
})
