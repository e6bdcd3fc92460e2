import { z } from '@hono/zod-openapi'
import type { Presence } from '../ingest/index.ts'
import type { DeviceLimits, DeviceRecord } from '../model/index.ts'
import {
  assetIdField,
  attributesField,
  deviceIdField,
  nameField,
  profileIdField,
  siteIdField,
  tagsField,
  textField,
  timeField,
  timeOrNull,
} from './fields.ts'
import { pageQuery } from './paging.ts'
import { formatTime } from './time.ts'

const limit = (min: number, max: number, description: string) =>
  z.int().min(min).max(max).optional().openapi({ description })

const limitsField = z
  .strictObject({
    messagesPerS: limit(0, 1_000_000, 'Messages a second before its socket is read more slowly; 0: no limit'),
    payloadBytes: limit(1, 268_435_455, 'Largest payload in bytes'),
    topicLevels: limit(1, 128, 'Most levels of a topic'),
    metrics: limit(1, 10_000, 'Most distinct metrics'),
  })
  .openapi('DeviceLimits', { description: "What is left out is the platform's default" })

const assetId = assetIdField.nullable().openapi({ description: 'The asset it measures' })
const gatewayId = deviceIdField.nullable().openapi({ description: 'The device that may publish for this one' })

export const deviceInput = z
  .strictObject({
    id: deviceIdField,
    profileId: profileIdField,
    siteId: siteIdField.optional(),
    assetId: assetId.default(null),
    gatewayId: gatewayId.default(null),
    name: nameField.optional().openapi({ description: 'The id by default' }),
    attributes: attributesField.default({}),
    tags: tagsField.default([]),
    limits: limitsField.default({}),
  })
  .openapi('NewDevice')

export const devicePatch = z
  .strictObject({
    profileId: profileIdField,
    siteId: siteIdField,
    assetId,
    gatewayId,
    name: nameField,
    attributes: attributesField,
    tags: tagsField,
    limits: limitsField,
  })
  .partial()
  .openapi('DevicePatch')

export const deviceListQuery = z.strictObject({
  ...pageQuery,
  siteId: siteIdField.optional(),
  assetId: assetIdField.optional(),
  profileId: profileIdField.optional(),
  gatewayId: deviceIdField.optional(),
  quarantined: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .openapi({ description: 'Only those that are in quarantine, or that are not' }),
})

export const quarantineInput = z
  .strictObject({ reason: textField.openapi({ example: 'Floods since its firmware was updated' }) })
  .openapi('NewQuarantine')

const quarantineSchema = z
  .strictObject({
    reason: z.string(),
    since: timeField,
    by: z.string().openapi({ description: 'Id of who put it there' }),
  })
  .openapi('Quarantine')

const presenceSchema = z
  .strictObject({
    online: z.boolean(),
    lastSeen: timeField.nullable().openapi({ description: 'When the newest message of it or for it arrived' }),
    sessions: z.int().openapi({ description: 'Connections open now' }),
    connectsLastHour: z.int(),
    flapping: z.boolean().openapi({ description: 'It reconnects too often' }),
    info: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
      .openapi({ description: 'What it says of itself: model, serial, firmware', example: { firmware: '1.4.2' } }),
  })
  .openapi('Presence')

export const deviceSchema = z
  .strictObject({
    id: z.string(),
    siteId: z.string(),
    profileId: z.string(),
    assetId: z.string().nullable(),
    gatewayId: z.string().nullable(),
    name: z.string(),
    attributes: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
    tags: z.array(z.string()),
    limits: limitsField,
    quarantine: quarantineSchema.nullable().openapi({ description: 'Why it is kept out; null: it is not' }),
    presence: presenceSchema,
  })
  .openapi('Device')

export const newDeviceSchema = z
  .strictObject({
    ...deviceSchema.shape,
    token: z.string().openapi({ description: 'Password for MQTT; shown this once' }),
    tokenId: z.string(),
  })
  .openapi('DeviceWithToken')

/** In the model a limit that is not set is not there, rather than undefined. */
export function toLimits(given: z.output<typeof limitsField>): DeviceLimits {
  const { messagesPerS, payloadBytes, topicLevels, metrics } = given
  return {
    ...(messagesPerS !== undefined && { messagesPerS }),
    ...(payloadBytes !== undefined && { payloadBytes }),
    ...(topicLevels !== undefined && { topicLevels }),
    ...(metrics !== undefined && { metrics }),
  }
}

/** Of a device that nobody has heard of yet. */
const unseen: Presence = {
  online: false,
  lastSeenMs: null,
  sessions: 0,
  connectsLastHour: 0,
  flapping: false,
  info: {},
}

export function toDevice(device: DeviceRecord, presence: Presence = unseen): z.input<typeof deviceSchema> {
  const { id, siteId, profileId, assetId, gatewayId, name, attributes, tags, limits } = device
  const { quarantine } = device
  const { online, lastSeenMs, sessions, connectsLastHour, flapping, info } = presence
  return {
    id,
    siteId,
    profileId,
    assetId,
    gatewayId,
    name,
    attributes: { ...attributes },
    tags: [...tags],
    limits: { ...limits },
    quarantine:
      quarantine === undefined
        ? null
        : { reason: quarantine.reason, since: formatTime(quarantine.sinceMs), by: quarantine.by },
    presence: { online, lastSeen: timeOrNull(lastSeenMs), sessions, connectsLastHour, flapping, info: { ...info } },
  }
}
