/** Resolves with true once the promise, which must not reject, has resolved; with false when the time is over first. */
export async function within(promise: Promise<void>, ms: number): Promise<boolean> {
  const over = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => over.resolve(false), ms)
  const inTime = await Promise.race([promise.then(() => true), over.promise])
  clearTimeout(timer)
  return inTime
}
