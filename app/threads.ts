import { flushCompileCache } from 'node:module'
import { type MessagePort, parentPort, Worker } from 'node:worker_threads'
import { AppError, type ErrorCode, isAppError } from '../model/index.ts'

/** What a thread says to the one that started it. */
type FromThread<Ready> =
  | { readonly kind: 'ready'; readonly value: Ready }
  | { readonly kind: 'failed'; readonly message: string; readonly code: ErrorCode }

export interface Thread<Data, Ready> {
  /** Gives it what it starts with; until then it only loads its modules. Once. */
  begin(data: Data, ports: readonly MessagePort[]): void
  /** Resolves when the thread has started its part; rejects when it could not. */
  readonly ready: Promise<Ready>
  /** Asks the thread to stop, and resolves when it has ended; after `timeoutMs` it is terminated. */
  stop(timeoutMs: number): Promise<void>
}

export interface ThreadOptions {
  readonly name: string
  readonly entry: URL
  /** Room for young objects in MB: less keeps an idle thread small, more spares a busy one collections. */
  readonly youngGenerationMb: number
  /** The thread ended, or broke, without being asked to and after it had been ready. */
  readonly onDeath: (error: Error) => void
}

export function startThread<Data, Ready>(options: ThreadOptions): Thread<Data, Ready> {
  const { name, entry, onDeath } = options
  const resourceLimits = { maxYoungGenerationSizeMb: options.youngGenerationMb }
  const worker = new Worker(entry, { name, resourceLimits })
  let begun = false
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
    begin(data, ports) {
      begun = true
      worker.postMessage(data, ports)
    },
    ready,
    async stop(timeoutMs) {
      stopping = true
      if (begun) worker.postMessage('stop')
      else void worker.terminate()
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
 * The other side: runs in the thread's entry file. `start` gets the data the thread begins with; `fail` ends the
 * process, for a part that cannot go on.
 */
export async function runThread<Data, Ready>(
  start: (data: Data, fail: (error: Error) => void) => Promise<ThreadPart<Ready>>,
): Promise<void> {
  const parent = parentPort
  if (parent === null) throw new AppError('internal', 'run thread failed: this is the main thread')
  const begun = Promise.withResolvers<Data>()
  const stopAsked = Promise.withResolvers<void>()
  parent.on('message', (message: Data | 'stop') => {
    if (message === 'stop') stopAsked.resolve()
    else begun.resolve(message)
  })
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
    const part = await start(await begun.promise, fail)
    say({ kind: 'ready', value: part.ready })
    flushCompileCache()
    await stopAsked.promise
    try {
      await part.stop()
      // Whatever still holds the event loop has nothing left to do.
      process.exit(0)
    } catch (error) {
      fail(error)
      process.exit(1)
    }
  } catch (error) {
    fail(error)
    parent.close()
  }
}

function reasonOf({ message, cause }: AppError): string {
  return cause instanceof Error ? `${message}: ${cause.message}` : message
}
