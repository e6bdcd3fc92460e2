import { z } from 'zod'

const mebibyte = 1024 * 1024
const dayMs = 86_400_000

export const ingestConfigSchema = z.strictObject({
  lateHorizonMs: z
    .int()
    .min(0)
    .default(35 * dayMs)
    .describe('Readings older than this when they arrive, in ms, are rejected as too old'),
  stuckIntervals: z
    .int()
    .min(0)
    .max(65_535)
    .default(60)
    .describe(
      'A gauge that repeats one value other than zero for so many readings and reporting intervals is suspect; 0 is never',
    ),
  maxMetrics: z
    .int()
    .min(1)
    .max(10_000)
    .default(200)
    .describe('Distinct metrics of a device without a limit of its own; the readings of further ones are rejected'),
  maxPayloadBytes: z
    .int()
    .min(1024)
    .max(256 * mebibyte)
    .default(8 * mebibyte)
    .describe('Largest payload that is decoded; a larger one is rejected'),
  batchReadings: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(60_000)
    .describe('Readings handed to the store at once; at most twice as many wait in memory'),
  commitAfterMs: z
    .int()
    .min(1)
    .default(200)
    .describe('Longest that a decoded reading waits, in ms, for others to be stored with'),
  idleCommitMs: z.int().min(0).default(20).describe('The same, in ms, when the log has nothing more to read'),
  rulesDelayMs: z
    .int()
    .min(0)
    .default(1_000)
    .describe('Longest that rules are late, in ms, because the store is slow; then they go on, and it catches up'),
  checkpointMs: z.int().min(100).default(10_000).describe('Time between two snapshots of the memory, in ms'),
  checkpointBytes: z
    .int()
    .min(1)
    .default(64 * mebibyte)
    .describe('A snapshot comes earlier after so many bytes of log'),
  messageViewMb: z
    .int()
    .min(0)
    .max(4_096)
    .default(32)
    .describe(
      'MB of memory, taken as devices report, for the last messages of each device, some ten of 4 KB; 0 is off',
    ),
  sliceBytes: z.int().min(1).default(mebibyte).describe('Bytes of log read at once'),
  stopTimeoutMs: z.int().min(0).default(5_000).describe('How long a stop waits, in ms, for the store to take the rest'),
})

export type IngestConfig = z.infer<typeof ingestConfigSchema>
