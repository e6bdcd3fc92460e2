import { z } from 'zod'

export const dispatcherConfigSchema = z.strictObject({
  recipients: z.array(z.string().min(1)).readonly().default([]).describe('Addresses told of every step of every alert'),
  batchEvents: z.int().min(1).max(10_000).default(200).describe('Steps of alerts decided in one transaction at most'),
  pollMs: z.int().min(10).default(1_000).describe('How often new steps are looked for, in ms, when nobody wakes it'),
})

export type DispatcherConfig = z.infer<typeof dispatcherConfigSchema>
