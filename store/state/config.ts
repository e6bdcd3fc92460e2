import { z } from 'zod'

export const stateConfigSchema = z.strictObject({
  busyTimeoutMs: z
    .int()
    .min(0)
    .max(60_000)
    .default(5_000)
    .describe('milliseconds a thread waits for the write lock of another before the call fails as retryable'),
  rejectedRows: z
    .int()
    .min(1)
    .max(10_000_000)
    .default(100_000)
    .describe('entries the rejected list keeps; beyond it the oldest make room and are only counted'),
  alertRows: z
    .int()
    .min(1)
    .max(10_000_000)
    .default(100_000)
    .describe('resolved alerts that are kept, with timeline and notifications; beyond it the oldest go, once a day'),
  answersPerPrincipal: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(10_000)
    .describe(
      'answers kept for one principal, for a day, to requests with an Idempotency-Key; beyond it the oldest go',
    ),
  answerBytesPerPrincipal: z
    .int()
    .min(1024)
    .max(1024 * 1024 * 1024)
    .default(16 * 1024 * 1024)
    .describe('bytes of these answers; beyond it the oldest go'),
})

export type StateSettings = z.infer<typeof stateConfigSchema>

export interface StateConfig extends StateSettings {
  /** The database file; made when `migrate` is set and there is none. */
  readonly file: string
  /** Whether to bring the schema up to date first; otherwise a state that is behind is refused. */
  readonly migrate: boolean
  /** At least 32 bytes that only this platform knows: the key of the token hashes. Another one knows no token. */
  readonly tokenSecret: Uint8Array
}
