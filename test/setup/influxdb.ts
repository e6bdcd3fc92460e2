import { join } from 'node:path'
import { type Child, startChild } from './child.ts'
import { freePort } from './free-port.ts'
import { makeTempFolder } from './temp-folder.ts'
import { findTool } from './tools.ts'
import { waitUntil } from './wait.ts'

export interface Influxdb extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly pid: number
  /** Where it keeps its data. */
  readonly folder: string
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
  /** Again, on the same port and folder. */
  start(): Promise<void>
  /** InfluxQL; resolves with the rows of all results. Times in ms. */
  query(influxql: string, database?: string): Promise<readonly (readonly unknown[])[]>
  /** Line protocol with times in ms. */
  write(database: string, lines: string): Promise<void>
  /** Its last lines. */
  log(): string
}

export interface InfluxdbOptions {
  /** Beside what the harness sets: `INFLUXDB_…`. */
  readonly env?: Readonly<Record<string, string>>
  /** Asked for where the server wants to know who asks. */
  readonly authorization?: string
}

/** An InfluxDB 1.x of its own, on a free loopback port and in a temporary folder. */
export async function startInfluxdb({ env = {}, authorization }: InfluxdbOptions = {}): Promise<Influxdb> {
  const binary = findTool('influxd')
  if (binary === undefined) throw new Error('start influxdb failed: not installed')
  const folder = makeTempFolder('influxdb')
  const [port, backupPort] = [await freePort(), await freePort()]
  const url = `http://127.0.0.1:${port}`
  const headers: Record<string, string> = authorization === undefined ? {} : { authorization }
  let child: Child | undefined

  async function start(): Promise<void> {
    const started = startChild(binary ?? '', ['run', '-config', '/dev/null'], {
      env: {
        PATH: process.env['PATH'],
        INFLUXDB_REPORTING_DISABLED: 'true',
        INFLUXDB_BIND_ADDRESS: `127.0.0.1:${backupPort}`,
        INFLUXDB_HTTP_BIND_ADDRESS: `127.0.0.1:${port}`,
        INFLUXDB_META_DIR: join(folder.path, 'meta'),
        INFLUXDB_DATA_DIR: join(folder.path, 'data'),
        INFLUXDB_DATA_WAL_DIR: join(folder.path, 'wal'),
        INFLUXDB_DATA_INDEX_VERSION: 'tsi1',
        INFLUXDB_MONITOR_STORE_ENABLED: 'false',
        INFLUXDB_HTTP_LOG_ENABLED: 'false',
        ...env,
      },
    })
    child = started
    await waitUntil('influxdb to answer', async () => {
      if (!started.running) throw new Error(`influxdb ended: ${started.output()}`)
      return (await fetch(`${url}/ping`)).ok
    })
  }

  const server: Influxdb = {
    url,
    port,
    folder: folder.path,
    get pid() {
      return child?.pid ?? -1
    },
    start,
    async kill() {
      await child?.kill('SIGKILL')
    },
    async query(influxql, database = '') {
      const response = await fetch(`${url}/query?${new URLSearchParams({ db: database, epoch: 'ms' })}`, {
        method: 'POST',
        body: new URLSearchParams({ q: influxql }),
        headers,
      })
      const answer = (await response.json()) as Answer
      const error = answer.error ?? answer.results?.find((result) => result.error !== undefined)?.error
      if (error !== undefined) throw new Error(`${influxql} failed: ${error}`)
      return (answer.results ?? []).flatMap(({ series = [] }) => series.flatMap(({ values = [] }) => values))
    },
    async write(database, lines) {
      const parameters = new URLSearchParams({ db: database, precision: 'ms' })
      const response = await fetch(`${url}/write?${parameters}`, { method: 'POST', body: lines, headers })
      if (!response.ok) throw new Error(`write to ${database} failed: ${await response.text()}`)
    },
    log: () => child?.output() ?? '',
    async [Symbol.asyncDispose]() {
      await child?.kill('SIGKILL')
      folder.remove()
    },
  }
  try {
    await start()
    return server
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw error
  }
}

interface Answer {
  readonly error?: string
  readonly results?: readonly {
    readonly error?: string
    readonly series?: readonly { readonly values?: readonly (readonly unknown[])[] }[]
  }[]
}
