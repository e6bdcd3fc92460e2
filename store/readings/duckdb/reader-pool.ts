import { AppError } from '../../../model/index.ts'
import type { Session } from './session.ts'

/** A few sessions for many queries: first come, first served. */
export interface ReaderPool {
  use<T>(query: (session: Session) => Promise<T>): Promise<T>
  /** Refuses what waits with `reason`, interrupts what runs, and closes the sessions when nothing runs any more. */
  close(reason: AppError): Promise<void>
}

interface Waiter {
  readonly start: (session: Session) => void
  readonly refuse: (error: AppError) => void
}

export function createReaderPool(sessions: readonly Session[], maxWaiting: number): ReaderPool {
  const idle = [...sessions]
  const waiting: Waiter[] = []
  const running = new Set<Promise<unknown>>()
  let closed: AppError | undefined

  function acquire(): Promise<Session> {
    if (closed !== undefined) return Promise.reject(closed)
    const session = idle.pop()
    if (session !== undefined) return Promise.resolve(session)
    if (waiting.length >= maxWaiting)
      return Promise.reject(
        new AppError('store_unavailable', `query readings failed: ${maxWaiting} queries wait already`, {
          retryable: true,
        }),
      )
    return new Promise((start, refuse) => {
      waiting.push({ start, refuse })
    })
  }

  function release(session: Session): void {
    const next = waiting.shift()
    if (next === undefined) idle.push(session)
    else next.start(session)
  }

  return {
    use: async (query) => {
      const session = await acquire()
      const run = query(session)
      running.add(run)
      try {
        return await run
      } finally {
        running.delete(run)
        release(session)
      }
    },
    close: async (reason) => {
      closed = reason
      for (const waiter of waiting.splice(0)) waiter.refuse(reason)
      for (const session of sessions) session.connection.interrupt()
      await Promise.allSettled(running)
      for (const session of sessions) session.close()
    },
  }
}
