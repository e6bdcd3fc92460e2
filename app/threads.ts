import { flushCompileCache } from 'node:module'
import { type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads'
import { AppError, type ErrorCode, isAppError } from '../model/index.ts'

/** What a thread says to the one that started it. */
type FromThread<Ready> =
  | { readonly kind: 'ready'; readonly value: Ready }
  | { readonly kind: 'failed'; readonly message: string; readonly code: ErrorCode }

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
  /** The thread ended, or broke, without being asked to and after it had been ready. */
  readonly onDeath: (error: Error) => void
}

export function startThread<Data, Ready>(options: ThreadOptions<Data>): Thread<Ready> {
  const { name, entry, data, ports, onDeath } = options
  const resourceLimits = { maxYoungGenerationSizeMb: options.youngGenerationMb }
  const worker = new Worker(entry, { name, workerData: data, transferList: [...ports], resourceLimits })
  let stopping = false
  let isReady = false
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))

  const ready = new Promise<Ready>((resolve, reject) => {
    const fail = (error: AppError) => {
      reject(error)
      if (isReady && !stopping) onDeath(error)
    }
    const died = (message: string) => fail(new AppError('internal', `run thread ${name} failed: ${message}`))
    worker.on('message', (message: FromThread<Ready>) => {
      if (message.kind === 'ready') {
        isReady = true
        resolve(message.value)
      } else if (message.code === 'internal') died(message.message)
      else fail(new AppError(message.code, message.message))
    })
    worker.on('error', (error) => died(error instanceof Error ? (error.stack ?? error.message) : String(error)))
    worker.on('exit', (code) => died(`it ended with ${code}`))
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
    // An error of the catalogue says all there is to say.
    if (isAppError(error) && error.code !== 'internal')
      say({ kind: 'failed', message: reasonOf(error), code: error.code })
    else
      say({
        kind: 'failed',
        message: error instanceof Error ? (error.stack ?? error.message) : String(error),
        code: 'internal',
      })
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

function reasonOf({ message, cause }: AppError): string {
  return cause instanceof Error ? `${message}: ${cause.message}` : message
}
