import { z } from 'zod'
import { idPattern } from '../../model/index.ts'

const deviceId = z.string().regex(idPattern)

/** What the raw generator reads as JSON from its standard input. */
export const rawConfigSchema = z.strictObject({
  host: z.string().default('127.0.0.1').describe('broker to load'),
  port: z.int().min(1).max(65535).describe('its MQTT port'),
  connections: z
    .array(
      z.strictObject({
        clientId: z.string().min(1),
        username: z.string().optional().describe('absent: connects without credentials'),
        password: z.string().optional(),
        devices: z
          .array(deviceId)
          .min(1)
          .describe('devices it publishes for, in turn: itself, or those it is gateway of'),
      }),
    )
    .min(1)
    .max(20_000),
  window: z.int().min(1).max(16_384).default(100).describe('messages of a connection that may wait for their PUBACK'),
  messagesPerS: z
    .number()
    .positive()
    .max(10_000_000)
    .optional()
    .describe('over all connections, evenly in time; absent: as many as the PUBACKs allow'),
  burst: z
    .int()
    .min(1)
    .max(10_000)
    .default(1)
    .describe('where there is a rate: so many messages of a connection at once, as a gateway reports for its devices'),
  seconds: z.number().positive().max(3_600).default(20).describe('how long to send, at most'),
  drainSeconds: z.number().positive().max(600).default(15).describe('how long to wait for the last PUBACKs afterwards'),
  startMs: z.int().min(1e12).max(9_999_999_999_999).describe("each device's first time, epoch ms"),
  stepMs: z.int().min(1).max(3_600_000).default(1).describe('from one message of a device to its next, ms of its time'),
  seed: z.int().default(1).describe('decides the values'),
})

export type RawConfig = z.infer<typeof rawConfigSchema>
export type RawConfigInput = z.input<typeof rawConfigSchema>

/** What it prints as one JSON line on its standard output when it is done. */
export const rawSummarySchema = z.object({
  acked: z.int().describe('PUBACKs for messages of this run'),
  unacked: z.int().describe('sent, and no PUBACK until the end'),
  durationS: z.number().describe('time of sending'),
  ackedWhileSending: z.int().describe('PUBACKs within durationS: the rate is their quotient'),
  ackP50Ms: z.number(),
  ackP99Ms: z.number(),
  cpuPct: z.number().describe('of one core, own use while sending'),
  failures: z.array(z.string()).describe('connections that ended early, and why'),
  devices: z.record(z.string(), z.int()).describe('PUBACKs per device'),
})

export type RawSummary = z.infer<typeof rawSummarySchema>

/** Lines among those it says while it runs, for whoever samples something meanwhile. */
export const rawPhases = { sending: 'sending', draining: 'draining' } as const
