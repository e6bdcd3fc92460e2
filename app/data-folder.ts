import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { AppError } from '../model/index.ts'

/** Where a running platform can be reached; readable by the data folder's owner only. */
export interface RunningPlatform {
  readonly pid: number
  readonly httpUrl: string
  /** Where that is HTTPS: the PEM file of the certificate that answers there. */
  readonly certFile: string | null
  readonly mqttPort: number | null
  /** An admin API key of this run, for the command line. */
  readonly key: string
}

export interface DataFolder {
  readonly path: string
  readonly logFolder: string
  readonly sessionsFolder: string
  readonly readingsFile: string
  readonly stateFile: string
  readonly snapshotFolder: string
  /** Newest rows of the audit log, as they were from time to time. */
  readonly checkpointsFile: string
  /** Made when the first mail lands in it. */
  readonly mailFolder: string
  /** 32 random bytes made at the first start; credentials are hashed with it. */
  readonly secret: Uint8Array
  /** Tells the command line how to reach this run. */
  announce(running: RunningPlatform): void
  release(): void
}

const secretBytes = 32
const announcement = 'running.json'

/**
 * Opens the data folder, making it where needed, and locks it against a second platform: an exclusive SQLite
 * transaction, which the system ends with the process however the process ends.
 */
export function openDataFolder(path: string): DataFolder {
  try {
    makeFolder(resolve(path))
  } catch (error) {
    throw new AppError('invalid_input', `make data folder ${path} failed`, { cause: error })
  }
  const lock = acquireLock(path)
  try {
    checkStateIsThere(path)
    const secret = loadSecret(path)
    for (const folder of ['log', 'sessions', 'snapshots']) mkdirSync(join(path, folder), { recursive: true })
    const file = join(path, announcement)
    // Of a run that was killed.
    rmSync(file, { force: true })
    return {
      path,
      logFolder: join(path, 'log'),
      sessionsFolder: join(path, 'sessions'),
      readingsFile: join(path, 'readings.duckdb'),
      stateFile: join(path, 'state.sqlite'),
      snapshotFolder: join(path, 'snapshots'),
      checkpointsFile: join(path, 'audit-checkpoints.jsonl'),
      mailFolder: join(path, 'mails'),
      secret,
      announce(running) {
        writeFileSync(`${file}.new`, JSON.stringify(running), { mode: 0o600 })
        renameSync(`${file}.new`, file)
      },
      release() {
        rmSync(file, { force: true })
        lock.close()
      },
    }
  } catch (error) {
    lock.close()
    throw error
  }
}

/** The platform that runs on the folder, as it announced itself; undefined when none did. */
export function findRunning(path: string): RunningPlatform | undefined {
  try {
    return JSON.parse(readFileSync(join(path, announcement), 'utf8')) as RunningPlatform
  } catch {
    return undefined
  }
}

/** Level by level: Node's own recursive mkdir never returns where a folder refuses new ones with ENOENT, as /proc does. */
function makeFolder(path: string): void {
  if (existsSync(path)) return
  makeFolder(dirname(path))
  mkdirSync(path, { mode: 0o700 })
}

function acquireLock(path: string): DatabaseSync {
  let lock: DatabaseSync | undefined
  try {
    lock = new DatabaseSync(join(path, 'lock'), { timeout: 0 })
    lock.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock?.close()
    if (error instanceof Error && /locked|busy/i.test(error.message)) {
      const running = findRunning(path)
      const who = running === undefined ? '' : ` (process ${running.pid}, ${running.httpUrl})`
      throw new AppError('data_folder_locked', `lock data folder ${path} failed: another platform uses it${who}`)
    }
    throw new AppError('invalid_input', `lock data folder ${path} failed`, { cause: error })
  }
}

/** A new state beside what an old one has named would name other things alike. */
function checkStateIsThere(path: string): void {
  if (existsSync(join(path, 'state.sqlite'))) return
  const left = ['log', 'readings.duckdb', 'snapshots'].filter((name) => isUsed(join(path, name)))
  if (left.length > 0)
    throw new AppError(
      'store_failed',
      `open data folder ${path} failed: state.sqlite is missing beside ${left.join(', ')}; restore all of it from one ` +
        'backup, or begin anew in an empty folder',
    )
}

function isUsed(path: string): boolean {
  return existsSync(path) && (!statSync(path).isDirectory() || readdirSync(path).length > 0)
}

function loadSecret(path: string): Uint8Array {
  const file = join(path, 'secret.key')
  if (!existsSync(file)) {
    // A new secret would make every credential in that state worthless without a word.
    if (existsSync(join(path, 'state.sqlite')))
      throw new AppError('invalid_input', `read ${file} failed: it is missing, and the state beside it needs it`)
    writeFileSync(`${file}.new`, randomBytes(secretBytes), { mode: 0o600, flush: true })
    renameSync(`${file}.new`, file)
  }
  const secret = readFileSync(file)
  if (secret.length !== secretBytes)
    throw new AppError('invalid_input', `read ${file} failed: ${secret.length} bytes instead of ${secretBytes}`)
  chmodSync(file, 0o600)
  return secret
}
