/** Resolves with the first of the signals, and leaves no listener behind. */
export async function anyOf(signals: readonly AbortSignal[]): Promise<void> {
  await firstOf(new Promise<never>(() => {}), signals)
}

/** Resolves with the promise or the first of the signals, and leaves no listener behind. */
export async function firstOf(promise: Promise<unknown>, signals: readonly AbortSignal[]): Promise<void> {
  if (signals.some((signal) => signal.aborted)) return
  let stop = (): void => {}
  try {
    await new Promise<unknown>((resolve, reject) => {
      stop = () => resolve(undefined)
      for (const signal of signals) signal.addEventListener('abort', stop, { once: true })
      promise.then(resolve, reject)
    })
  } finally {
    for (const signal of signals) signal.removeEventListener('abort', stop)
  }
}
