import { AppError } from '../model/index.ts'

/** What `work` answers, or `store_unavailable` when that takes longer than `timeoutMs`. */
export async function withDeadline<Result>(what: string, timeoutMs: number, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(new AppError('store_unavailable', `wait for ${what} took over ${timeoutMs} ms`, { retryable: true })),
      timeoutMs,
    )
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** The same, but undefined instead of any error: for views that show what there is. */
export async function ifAnswered<Result>(
  what: string,
  timeoutMs: number,
  work: Promise<Result>,
): Promise<Result | undefined> {
  return withDeadline(what, timeoutMs, work).catch(() => undefined)
}
