import type { IngestThreadData } from './ingest-thread.ts'
import type { OperationsReady, OperationsThreadData } from './operations-thread.ts'
import { startThread, type Thread } from './threads.ts'

export type IngestThread = Thread<IngestThreadData, null>
export type OperationsThread = Thread<OperationsThreadData, OperationsReady>

/**
 * Loads its modules from now on, and begins when it is given its part. To be called before the main thread loads what itself
 * needs: loading takes longer than anything else that a start does.
 */
export function startIngestThread(onDeath: (error: Error) => void): IngestThread {
  const entry = new URL('./ingest-thread.ts', import.meta.url)
  return startThread({ name: 'ingest', entry, youngGenerationMb: 24, onDeath })
}

/** To be called when the main thread has loaded its modules: three at a time are in each other's way. */
export function startOperationsThread(onDeath: (error: Error) => void): OperationsThread {
  const entry = new URL('./operations-thread.ts', import.meta.url)
  return startThread({ name: 'operations', entry, youngGenerationMb: 32, onDeath })
}
