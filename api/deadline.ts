import { AppError } from '../model/index.ts'

/** A deadline that stands still while something else has one of its own. */
export interface Deadline {
  limit<Result>(work: Promise<Result>): Promise<Result>
  /** Begins anew when the work is over. */
  pausedFor<Result>(work: () => Promise<Result>): Promise<Result>
}

export function createDeadline(what: string, timeoutMs: number): Deadline {
  const late = Promise.withResolvers<never>()
  late.promise.catch(() => undefined)
  let timer: NodeJS.Timeout | undefined
  let over = false
  const begin = () => {
    timer = over ? undefined : setTimeout(() => late.reject(tooLate(what, timeoutMs)), timeoutMs)
  }
  begin()

  return {
    async limit(work) {
      try {
        return await Promise.race([work, late.promise])
      } finally {
        over = true
        clearTimeout(timer)
      }
    },
    async pausedFor(work) {
      clearTimeout(timer)
      try {
        return await work()
      } finally {
        begin()
      }
    },
  }
}

function tooLate(what: string, timeoutMs: number): AppError {
  return new AppError('store_unavailable', `wait for ${what} took over ${timeoutMs} ms`, { retryable: true })
}

/** What `work` answers, or `store_unavailable` when that takes longer than `timeoutMs`. */
export function withDeadline<Result>(what: string, timeoutMs: number, work: Promise<Result>): Promise<Result> {
  return createDeadline(what, timeoutMs).limit(work)
}

/** The same, but undefined instead of any error: for views that show what there is. */
export async function ifAnswered<Result>(
  what: string,
  timeoutMs: number,
  work: Promise<Result>,
): Promise<Result | undefined> {
  return withDeadline(what, timeoutMs, work).catch(() => undefined)
}
