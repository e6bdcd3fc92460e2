import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { WriteApi } from '@influxdata/influxdb-client'
import type { Logger } from 'pino'
import { AppError } from '../../../model/index.ts'
import { type InfluxdbReadingsConfig, targetOf } from './config.ts'
import { authorizationOf } from './credentials.ts'
import { RefusedRequest } from './errors.ts'
import { createHttp, refusedBy } from './http.ts'
import { type ResultTable, runQuery } from './query.ts'

/** The server, as far as it has been reached. */
export interface Connection {
  /**
   * Lines of line protocol, times in ms, into the retention policy of the readings or another one. One call at a time.
   * Rejects with a `RefusedRequest`, or with what the socket says.
   */
  write(lines: string, retentionPolicy?: string): Promise<void>
  query(...statements: readonly string[]): AsyncGenerator<ResultTable>
  /** Whether the server says anything at all. */
  ping(timeoutMs: number): Promise<boolean>
  /** What is under way ends. */
  close(): void
}

/** Asks the server what it is, the first time that anything is asked of it. */
export function createConnection(config: InfluxdbReadingsConfig, logger: Logger): Connection {
  const closing = new AbortController()
  const authorization = authorizationOf(config)
  const http = createHttp(config, { authorization, signal: closing.signal })
  const agent = new (config.url.startsWith('https:') ? HttpsAgent : HttpAgent)({ keepAlive: true, maxSockets: 2 })
  let writer: Promise<WriteApi> | undefined
  let usualPath = ''

  async function openWriter(): Promise<WriteApi> {
    const response = await http.send('/ping')
    const version = response.headers.get('x-influxdb-version') ?? 'unknown'
    const path = writePath(config, version)
    // The client is loaded by who uses it, not by all that know its settings.
    const { InfluxDB } = await import('@influxdata/influxdb-client')
    const client = new InfluxDB({
      url: config.url,
      timeout: config.timeoutMs,
      transportOptions: { agent },
      headers: authorization === undefined ? {} : { authorization },
    })
    const api = client.getWriteApi(config.org ?? '', config.bucket ?? '', 'ms', {
      // Batches and another try are ours: the client's own retry takes Retry-After for ms and drops what waits (influxdb-client-js#1017).
      maxRetries: 0,
      batchSize: 2,
      maxBatchBytes: Number.MAX_SAFE_INTEGER,
      flushInterval: 0,
      gzipThreshold: Number.MAX_SAFE_INTEGER,
      // Its way to keep it from writing to the console.
      writeFailed: (error) => Promise.reject(error),
    })
    if (path !== undefined) api.path = path
    usualPath = api.path
    logger.info({ url: config.url, version, path: api.path.split('?', 1)[0] }, 'influxdb found')
    return api
  }

  async function theWriter(): Promise<WriteApi> {
    if (closing.signal.aborted) throw new AppError('closed', 'write to influxdb failed: it is closed')
    writer ??= openWriter()
    try {
      return await writer
    } catch (error) {
      // Not found out yet.
      writer = undefined
      throw error
    }
  }

  return {
    async write(lines, retentionPolicy) {
      const api = await theWriter()
      const { database } = targetOf(config)
      api.path =
        retentionPolicy === undefined
          ? usualPath
          : `/write?${new URLSearchParams({ db: database, precision: 'ms', rp: retentionPolicy })}`
      api.writeRecord(lines)
      try {
        await api.flush()
      } catch (error) {
        // The client lets go of a request that timed out without ending it.
        if (error instanceof Error && error.name === 'RequestTimedOutError') agent.destroy()
        const refused = toRefused(error)
        // Another version may answer there now.
        if (refused instanceof RefusedRequest && refused.status === 404) writer = undefined
        throw refused
      }
    },
    async *query(...statements) {
      await theWriter()
      yield* runQuery(http, config, statements)
    },
    ping: (timeoutMs) =>
      http.send('/ping', { timeoutMs }).then(
        () => true,
        (error: unknown) => error instanceof RefusedRequest,
      ),
    close() {
      closing.abort()
      agent.destroy()
    },
  }
}

/** Undefined: the client's own, `/api/v2/write`. InfluxDB has that since 1.8, and a bucket's name is enough there. */
function writePath(config: InfluxdbReadingsConfig, version: string): string | undefined {
  const [major = Number.NaN, minor = 0] = version.replace(/^v/, '').split('.').map(Number)
  const hasV2 = !(major < 1 || (major === 1 && minor < 8))
  if (config.bucket !== undefined && hasV2) return undefined
  const { database, retentionPolicy } = targetOf(config)
  const parameters = new URLSearchParams({ db: database, precision: 'ms' })
  if (retentionPolicy !== undefined) parameters.set('rp', retentionPolicy)
  return `/write?${parameters}`
}

/** What the client rejects with, in our words. */
function toRefused(error: unknown): unknown {
  if (!(error instanceof Error) || !('statusCode' in error) || typeof error.statusCode !== 'number') return error
  const body = 'body' in error && typeof error.body === 'string' ? error.body : error.message
  return refusedBy(error.statusCode, body, retryAfterOf(error))
}

function retryAfterOf(error: Error): string | undefined {
  const headers = 'headers' in error ? error.headers : undefined
  if (typeof headers !== 'object' || headers === null || !('retry-after' in headers)) return undefined
  return typeof headers['retry-after'] === 'string' ? headers['retry-after'] : undefined
}
