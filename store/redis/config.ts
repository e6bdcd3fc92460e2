import { z } from 'zod'

function isRedisUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, pathname, search, hash } = new URL(text)
  return /^rediss?:$/.test(protocol) && hostname !== '' && /^\/?\d{0,5}$/.test(pathname) && search === '' && hash === ''
}

export const redisConfigSchema = z.strictObject({
  url: z
    .string()
    .refine(isRedisUrl, 'is not of the form redis://user:password@host:6379/0 (rediss:// for TLS)')
    .optional()
    .describe(
      'Redis for what several platforms share, redis://user:password@host:6379/0 or rediss://…; without it, and while ' +
        'it does not answer, that is kept in memory',
    ),
  deadlineMs: z
    .int()
    .min(1)
    .max(10_000)
    .default(100)
    .describe('Time a command may take; the first that takes longer is the last until Redis answers again'),
  retryMinMs: z.int().min(1).max(60_000).default(250).describe('First pause before Redis is asked again'),
  retryMaxMs: z.int().min(1).max(600_000).default(5_000).describe('Longest pause: each is twice the one before'),
})

export type RedisConfig = z.output<typeof redisConfigSchema>
