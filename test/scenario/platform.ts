import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Child, type ChildExit, startChild } from '../setup/child.ts'
import { makeTempFolder } from '../setup/temp-folder.ts'
import { createPlatformClient, type PlatformClient } from './platform-client.ts'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..')
const readyTimeoutMs = 60_000
const stopTimeoutMs = 30_000

export interface PlatformOptions {
  /** Kept afterwards; without it the platform has a temporary folder, removed with it. */
  readonly dataDir?: string
  /** Beside what the harness sets. */
  readonly env?: Readonly<Record<string, string>>
}

/** Of one start. */
export interface StartOptions {
  /** Before the program's own: a test may bring modules, as whoever starts a Node program can. */
  readonly nodeArgs?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** The whole platform as a child process, driven only from outside. Its ports stay the same over restarts. */
export interface Platform extends AsyncDisposable {
  readonly dataDir: string
  readonly adminKey: string
  readonly client: PlatformClient
  readonly pid: number
  readonly mqttPort: number
  readonly httpPort: number
  /** All that the ready line says. */
  readonly ready: Readonly<Record<string, unknown>>
  readonly running: boolean
  /** Starts the process and resolves when it says that it is ready; it must not be running. */
  start(more?: StartOptions): Promise<void>
  /** Starts the process and does not wait: for a kill while it recovers. */
  launch(): void
  /** Asks it to end and resolves with how it did. */
  stop(): Promise<ChildExit>
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>
  /** The last lines that it logged, over all its starts. */
  log(): string
}

export function createPlatform(options: PlatformOptions = {}): Platform {
  const folder = options.dataDir === undefined ? makeTempFolder('platform') : undefined
  const dataDir = options.dataDir ?? folder?.path ?? ''
  const adminKey = `pel_${randomBytes(32).toString('base64url')}`
  let child: Child | undefined
  let ready: Readonly<Record<string, unknown>> = {}
  let ports = { mqtt: 0, http: 0 }
  let earlierLog = ''

  function launch({ nodeArgs = [], env = {} }: StartOptions = {}): Child {
    if (child?.running) throw new Error('start platform failed: it is running')
    earlierLog = log()
    child = startChild(process.execPath, [...nodeArgs, join(root, 'app', 'pelbiot.js'), 'start'], {
      // Not the project's folder: a `.env` there is its owner's.
      cwd: tmpdir(),
      env: {
        ...inheritedEnvironment(),
        HOST: '127.0.0.1',
        MQTT_PORT: String(ports.mqtt),
        HTTP_PORT: String(ports.http),
        MQTT_WS_PORT: '0',
        MQTT_WSS_PORT: '0',
        HTTPS_PORT: '0',
        DATA_DIR: dataDir,
        LOG_LEVEL: 'info',
        BOOTSTRAP_ADMIN_KEY: adminKey,
        ...options.env,
        ...env,
      },
    })
    return child
  }

  function log(): string {
    return `${earlierLog}${child?.output() ?? ''}\n`.slice(-64 * 1024)
  }

  const platform: Platform = {
    dataDir,
    adminKey,
    client: createPlatformClient(() => `http://127.0.0.1:${ports.http}`, adminKey),
    get pid() {
      return child?.pid ?? -1
    },
    get mqttPort() {
      return ports.mqtt
    },
    get httpPort() {
      return ports.http
    },
    get ready() {
      return ready
    },
    get running() {
      return child?.running ?? false
    },
    launch() {
      launch()
    },
    async start(more) {
      ready = await launch(more).waitFor(parseReadyLine, readyTimeoutMs)
      ports = { mqtt: Number(ready['mqttPort']), http: Number(ready['httpPort']) }
    },
    async stop() {
      if (child === undefined) return { code: null, signal: null }
      const overdue = setTimeout(() => void child?.kill('SIGKILL'), stopTimeoutMs)
      const exit = await child.kill('SIGTERM')
      clearTimeout(overdue)
      return exit
    },
    async kill() {
      await child?.kill('SIGKILL')
    },
    log,
    async [Symbol.asyncDispose]() {
      await child?.kill('SIGKILL')
      folder?.remove()
    },
  }
  return platform
}

export async function startPlatform(options: PlatformOptions = {}): Promise<Platform> {
  const platform = createPlatform(options)
  try {
    await platform.start()
    return platform
  } catch (error) {
    await platform[Symbol.asyncDispose]()
    throw error
  }
}

/** The settings of whoever runs the tests must not reach the platform under test. */
function inheritedEnvironment(): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR, LANG, TZ } = process.env
  return Object.fromEntries(Object.entries({ PATH, HOME, TMPDIR, LANG, TZ }).filter(([, value]) => value !== undefined))
}

function parseReadyLine(line: string): Readonly<Record<string, unknown>> | undefined {
  if (!line.includes('"platform ready"')) return undefined
  const parsed: unknown = JSON.parse(line)
  return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : undefined
}
