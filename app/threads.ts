import { flushCompileCache } from 'node:module'
import { type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads'
import { AppError } from '../model/index.ts'

/** What a thread says to the one that started it. */
type FromThread<Ready> =
  | { readonly kind: 'ready'; readonly value: Ready }
  | { readonly kind: 'failed'; readonly message: string }

export interface Thread<Ready> {
  /** Resolves when the thread has started its part; rejects when it could not. */
  readonly ready: Promise<Ready>
  /** Asks the thread to stop, and resolves when it has ended; after `timeoutMs` it is terminated. */
  stop(timeoutMs: number): Promise<void>
}

export interface ThreadOptions<Data> {
  readonly name: string
  readonly entry: URL
  readonly data: Data
  readonly ports: readonly MessagePort[]
  /** Room for young objects in MB: less keeps an idle thread small, more spares a busy one collections. */
  readonly youngGenerationMb: number
  /** The thread ended, or broke, without being asked to. */
  readonly onDeath: (error: Error) => void
}

export function startThread<Data, Ready>(options: ThreadOptions<Data>): Thread<Ready> {
  const { name, entry, data, ports, onDeath } = options
  const resourceLimits = { maxYoungGenerationSizeMb: options.youngGenerationMb }
  const worker = new Worker(entry, { name, workerData: data, transferList: [...ports], resourceLimits })
  let stopping = false
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))

  const ready = new Promise<Ready>((resolve, reject) => {
    const fail = (message: string) => {
      const error = new AppError('internal', `run thread ${name} failed: ${message}`)
      reject(error)
      if (!stopping) onDeath(error)
    }
    worker.on('message', (message: FromThread<Ready>) => {
      if (message.kind === 'ready') resolve(message.value)
      else if (message.kind === 'failed') fail(message.message)
    })
    worker.on('error', (error) => fail(error instanceof Error ? (error.stack ?? error.message) : String(error)))
    worker.on('exit', (code) => fail(`it ended with ${code}`))
  })
  // Whoever awaits it sees the failure; a platform that is stopping does not.
  ready.catch(() => undefined)

  return {
    ready,
    async stop(timeoutMs) {
      stopping = true
      worker.postMessage('stop')
      const timer = setTimeout(() => void worker.terminate(), timeoutMs)
      await ended
      clearTimeout(timer)
    },
  }
}

export interface ThreadPart<Ready> {
  readonly ready: Ready
  stop(): Promise<unknown>
}

/**
 * The other side: runs in the thread's entry file. `start` gets the data the thread was started with; `fail` ends the
 * process, for a part that cannot go on.
 */
export async function runThread<Data, Ready>(
  start: (data: Data, fail: (error: Error) => void) => Promise<ThreadPart<Ready>>,
): Promise<void> {
  const parent = parentPort
  if (parent === null) throw new AppError('internal', 'run thread failed: this is the main thread')
  const say = (message: FromThread<Ready>) => parent.postMessage(message)
  const fail = (error: unknown) => {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
    say({ kind: 'failed', message })
  }
  try {
    const part = await start(workerData as Data, fail)
    say({ kind: 'ready', value: part.ready })
    flushCompileCache()
    parent.once('message', () => {
      part.stop().then(
        // Whatever still holds the event loop has nothing left to do.
        () => process.exit(0),
        (error: unknown) => {
          fail(error)
          process.exit(1)
        },
      )
    })
  } catch (error) {
    fail(error)
    parent.close()
  }
}
