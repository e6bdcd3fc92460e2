import { z } from 'zod'

const mebibyte = 1024 * 1024

export const sessionConfigSchema = z.strictObject({
  maxSessions: z.int().min(1).default(100_000).describe('Persistent MQTT sessions kept; a new one beyond is refused'),
  expiryHours: z
    .int()
    .min(1)
    .max(65_535)
    .default(168)
    .describe('Hours a client may be away, with the platform up, before its persistent session ends'),
  maxSubscriptions: z.int().min(1).default(1_000).describe('Subscriptions of one persistent session'),
  maxQueuedMessages: z
    .int()
    .min(1)
    .default(10_000)
    .describe('Messages queued for one session; the newest beyond are refused and counted'),
  maxQueuedBytes: z
    .int()
    .min(1)
    .default(64 * mebibyte)
    .describe('Bytes queued for one session'),
  maxTotalQueuedBytes: z
    .int()
    .min(1)
    .default(1024 * mebibyte)
    .describe('Bytes queued for all sessions together'),
  maxRetained: z.int().min(0).default(100_000).describe('Retained messages; a new topic beyond is refused and counted'),
  maxRetainedBytes: z
    .int()
    .min(0)
    .default(256 * mebibyte)
    .describe('Bytes of all retained messages together'),
})

export type SessionConfig = Readonly<z.output<typeof sessionConfigSchema>>
