import PQueue from 'p-queue'

/** Items as the function gives them, once it is their turn. */
export type InTurn = <Item>(items: () => AsyncIterable<Item>) => AsyncGenerator<Item>

/**
 * Lets so many long walks run at once; others wait. A walk takes its turn when its first item is asked for and gives it back
 * when it ends, breaks off or nobody wants more.
 */
export function createTurns(most: number): InTurn {
  const queue = new PQueue({ concurrency: most })
  return async function* inTurn(items) {
    const begun = Promise.withResolvers<void>()
    const ended = Promise.withResolvers<void>()
    void queue.add(() => {
      begun.resolve()
      return ended.promise
    })
    try {
      await begun.promise
      yield* items()
    } finally {
      ended.resolve()
    }
  }
}
