import { z } from 'zod'

export const cacheConfigSchema = z.strictObject({
  memoryMb: z
    .int()
    .min(1)
    .max(65_536)
    .default(32)
    .describe('MB of memory, taken as it fills, for answers that are kept until what they tell of changes'),
})

export type CacheConfig = z.output<typeof cacheConfigSchema>
