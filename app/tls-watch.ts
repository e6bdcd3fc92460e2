import { X509Certificate } from 'node:crypto'
import { stat } from 'node:fs/promises'
import type { Logger } from 'pino'
import type { TlsPair } from '../api/index.ts'
import { loadTls, type TlsFiles } from './tls-files.ts'

export interface TlsWatchOptions {
  readonly everyMs: number
  /** What the platform started with. */
  readonly inUse: TlsPair
}

export interface TlsWatchDeps {
  /** Puts a pair into use that was found good; may reject, and is then called again. */
  use(pair: TlsPair): Promise<void>
  readonly logger: Logger
}

export interface TlsWatch {
  start(): void
  /** Reads the files whether they have changed or not. */
  reload(): Promise<void>
  stop(): Promise<void>
}

/**
 * Looks at the two files again and again and puts them into use when they have changed: whoever renews a certificate
 * replaces two files, one after the other, in place or by a link, on any kind of file system, so they are looked at and
 * not watched. A pair that does not fit (yet) changes nothing; that is logged once for each thing that is wrong.
 */
export function createTlsWatch(files: TlsFiles, options: TlsWatchOptions, { use, logger }: TlsWatchDeps): TlsWatch {
  let { inUse } = options
  let seen: string | undefined
  let complained = ''
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  let stopped = false

  async function look(): Promise<void> {
    const now = await stampOf(files)
    if (now === seen) return
    const loaded = loadTls(files)
    if (!loaded.ok) {
      const faults = loaded.faults.map(({ field, message }) => `${field} ${message}`)
      if (complained !== faults.join()) logger.warn({ faults }, 'tls files not usable, the old certificate stays')
      complained = faults.join()
      // Either file may change next, and make the pair whole.
      seen = now
      return
    }
    const { pair } = loaded
    if (pair.cert !== inUse.cert || pair.key !== inUse.key) {
      await use(pair)
      inUse = pair
      const { subject, validTo } = new X509Certificate(pair.cert)
      logger.info({ subject, validTo }, 'tls certificate changed')
    }
    seen = now
    complained = ''
  }

  async function tryLook(): Promise<void> {
    try {
      await look()
    } catch (error) {
      if (complained !== String(error)) logger.warn({ err: error }, 'tls certificate not changed, the old one stays')
      complained = String(error)
    }
  }

  /** One after the other: what is seen last is in use. */
  function next(): Promise<void> {
    running = running.then(tryLook)
    return running
  }

  function schedule(): void {
    if (stopped) return
    timer = setTimeout(() => void next().then(schedule), options.everyMs)
    timer.unref()
  }

  return {
    start: schedule,
    reload() {
      complained = ''
      running = running.then(() => {
        seen = undefined
      })
      return next()
    },
    async stop() {
      stopped = true
      clearTimeout(timer)
      await running
    },
  }
}

/** Changes with the files; a link is followed to what it leads to. */
async function stampOf({ certFile, keyFile }: TlsFiles): Promise<string> {
  const stamps = await Promise.all(
    [certFile, keyFile].map(async (file) => {
      const found = await stat(file, { bigint: true }).catch(() => undefined)
      return found === undefined
        ? 'missing'
        : `${found.dev}:${found.ino}:${found.size}:${found.mtimeNs}:${found.ctimeNs}`
    }),
  )
  return stamps.join()
}
