import { z } from 'zod'

export const duckdbReadingsConfigSchema = z.strictObject({
  path: z.string().min(1).describe('File of the readings; its folder is made when it is not there'),
  memoryMb: z
    .int()
    .min(128)
    .default(512)
    .describe('MB that DuckDB may use at most; not reserved. Below 512 sorting large days spills to disk'),
  threads: z.int().min(1).max(64).default(2).describe('Threads of DuckDB; they are shared by all queries'),
  readers: z
    .int()
    .min(1)
    .max(16)
    .default(3)
    .describe('Queries that run at once; each holds one thread of the libuv pool (UV_THREADPOOL_SIZE) meanwhile'),
  maxWaitingQueries: z
    .int()
    .min(0)
    .default(1_000)
    .describe(
      'Queries that may wait for a reader, of those answered together one; one more is refused with store_unavailable',
    ),
  checkpointMb: z
    .int()
    .min(1)
    .default(64)
    .describe('MB of write-ahead log after which it is folded into the file: larger means rarer but longer stalls'),
})

export type DuckdbReadingsConfig = z.infer<typeof duckdbReadingsConfigSchema>
