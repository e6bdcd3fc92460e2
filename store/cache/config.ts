import { z } from 'zod'

export const cacheConfigSchema = z.strictObject({
  memoryMb: z
    .int()
    .min(1)
    .max(65_536)
    .default(32)
    .describe('MB of memory, taken as it fills, for answers that are kept until what they tell of changes'),
  deadlineMs: z
    .int()
    .min(1)
    .max(1_000)
    .default(20)
    .describe('Time that Redis may take to give back a kept answer; then it is loaded as if there were none'),
  pauseMinMs: z.int().min(1).max(60_000).default(250).describe('First pause in which Redis is not asked after that'),
  pauseMaxMs: z.int().min(1).max(600_000).default(5_000).describe('Longest one: each is twice the one before'),
})

export type CacheConfig = z.output<typeof cacheConfigSchema>
