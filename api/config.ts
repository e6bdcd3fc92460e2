import { z } from 'zod'

export const apiConfigSchema = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').describe('Address to listen on; 0.0.0.0 for every interface'),
  port: z.int().min(0).max(65_535).default(8080).describe('TCP port; 0 picks a free one'),
  maxBodyBytes: z
    .int()
    .min(1024)
    .max(64 * 1024 * 1024)
    .default(1024 * 1024)
    .describe('Largest request body in bytes; a larger one is answered 413'),
  maxConnections: z
    .int()
    .min(1)
    .max(100_000)
    .default(1024)
    .describe('Open connections; one more is closed at once by the system'),
  headersTimeoutMs: z.int().min(100).max(300_000).default(10_000).describe('Time for a request to send its headers'),
  requestTimeoutMs: z.int().min(100).max(600_000).default(30_000).describe('Time for a request to arrive whole'),
  answerTimeoutMs: z
    .int()
    .min(10)
    .max(600_000)
    .default(30_000)
    .describe('Time an answer may take; then it is 503, and what the request asked for may still happen'),
  keepAliveTimeoutMs: z.int().min(0).max(600_000).default(15_000).describe('Time an idle connection stays open'),
  stopTimeoutMs: z
    .int()
    .min(0)
    .max(60_000)
    .default(5_000)
    .describe('Time that running requests get at a stop; then their connections are cut and counted in the log'),
  peerTimeoutMs: z
    .int()
    .min(10)
    .max(60_000)
    .default(2_000)
    .describe(
      'Time that /readyz, /status, /metrics and the resolving of an alert wait for another part of the platform',
    ),
})

export type ApiConfig = z.output<typeof apiConfigSchema>
