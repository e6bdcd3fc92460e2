import { z } from 'zod'

const mib = 1024 * 1024

export const logConfigSchema = z
  .strictObject({
    maxBytes: z
      .int()
      .min(16 * mib)
      .default(8192 * mib)
      .describe('Bytes of log kept at most; at the bound nothing is acknowledged until consumers have caught up'),
    reserveBytes: z
      .int()
      .min(0)
      .default(512 * mib)
      .describe('Bytes of free disk left to the other stores; below it nothing is acknowledged until there is room'),
    segmentBytes: z
      .int()
      .min(mib)
      .default(64 * mib)
      .describe('Bytes of one log file; what every consumer has read is removed by whole files'),
  })
  .refine((config) => config.segmentBytes * 2 <= config.maxBytes, {
    path: ['segmentBytes'],
    error: 'must be at most half of maxBytes',
  })

export type LogConfig = z.infer<typeof logConfigSchema>
