import type { ControlOutbox } from './state.ts'

/** Appends one control frame to the log; resolves once it is on disk. Frames end up in the order of the calls. */
export type AppendControl = (topic: string, payload: Uint8Array) => Promise<unknown>

/** Carries committed changes from the outbox to the log. One per platform: two would mix the order up. */
export interface OutboxRelay {
  /**
   * Resolves when everything that was committed before the call is in the log; rejects as the log does, and then what
   * is left goes with the next flush. Called after every change, and once at the start for what a crash left behind:
   * a frame may then come twice, which changes nothing, for it is the whole record and nothing newer came between.
   */
  flush(): Promise<void>
}

const framesPerRound = 256

export function createOutboxRelay(outbox: ControlOutbox, append: AppendControl): OutboxRelay {
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined

  function start(): Promise<void> {
    running = drain().finally(() => {
      running = undefined
    })
    return running
  }

  async function drain(): Promise<void> {
    for (;;) {
      const frames = await outbox.pending(framesPerRound)
      if (frames.length === 0) return
      const results = await Promise.allSettled(frames.map((frame) => append(frame.topic, frame.payload)))
      const failed = results.find((result) => result.status === 'rejected')
      // What follows a failure is appended again, in order, so that the newest record is the last one in the log.
      const appended = failed === undefined ? frames : frames.slice(0, results.indexOf(failed))
      await outbox.done(appended.map((frame) => frame.id))
      if (failed !== undefined) throw failed.reason
    }
  }

  return {
    flush() {
      if (running === undefined) return start()
      // The running one may have read the outbox before this caller's change: one more round serves all who wait.
      next ??= running
        .catch(() => undefined)
        .then(() => {
          next = undefined
          return start()
        })
      return next
    },
  }
}
