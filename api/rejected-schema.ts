import { z } from '@hono/zod-openapi'
import type { RejectedRecord } from '../store/state/index.ts'
import { timeField } from './fields.ts'
import { formatTime } from './time.ts'

export const rejectedSchema = z
  .strictObject({
    time: timeField.openapi({ description: 'When it was received' }),
    deviceId: z.string().nullable().openapi({ description: 'Null when no device could be named' }),
    clientId: z.string().openapi({ description: 'Empty: it came over HTTP' }),
    topic: z.string(),
    reason: z.string().openapi({ example: 'not_json' }),
    detail: z.string().openapi({ description: 'What exactly was wrong, for people' }),
    payloadBase64: z.string().openapi({ description: 'The payload, cut at 4 KiB' }),
  })
  .openapi('RejectedMessage')

export function toRejected(record: RejectedRecord): z.input<typeof rejectedSchema> {
  const { timeMs, deviceId, clientId, topic, reason, detail, payload } = record
  const payloadBase64 = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('base64')
  return { time: formatTime(timeMs), deviceId, clientId, topic, reason, detail, payloadBase64 }
}
