import type { Logger } from 'pino'

interface Teardown {
  readonly name: string
  readonly stop: () => Promise<unknown> | unknown
}

/** Each teardown is registered right after its resource exists; stopping runs all of them, last in first out. */
export interface Lifecycle {
  own(name: string, stop: () => Promise<unknown> | unknown): void
  /** Idempotent; resolves with the names of those that failed. */
  stop(): Promise<readonly string[]>
}

export function createLifecycle(logger: Logger): Lifecycle {
  const teardowns: Teardown[] = []
  let stopping: Promise<readonly string[]> | undefined

  async function runAll(): Promise<readonly string[]> {
    const failed: string[] = []
    for (let teardown = teardowns.pop(); teardown !== undefined; teardown = teardowns.pop()) {
      try {
        await teardown.stop()
      } catch (error) {
        failed.push(teardown.name)
        logger.error({ err: error, part: teardown.name }, 'stop failed')
      }
    }
    return failed
  }

  return {
    own(name, stop) {
      teardowns.push({ name, stop })
    },
    stop() {
      stopping ??= runAll()
      return stopping
    },
  }
}
