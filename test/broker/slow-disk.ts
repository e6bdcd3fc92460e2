import type { FrameOwner, LogAppender, LogPosition } from '../../store/log/index.ts'

type Done = (error: Error | undefined, position: LogPosition) => void

interface Waiting {
  readonly owner: FrameOwner
  readonly size: number
  done(error?: Error): void
}

/** Messages reach the disk when the test says so; everything else passes. */
export function slowDisk() {
  const waiting: Waiting[] = []
  const state = { full: false }
  const wrap = (appender: LogAppender): LogAppender => ({
    start: () => appender.start(),
    stop: () => appender.stop(),
    get lastReceivedMs() {
      return appender.lastReceivedMs
    },
    get full() {
      return state.full
    },
    get waitingBytes() {
      return waiting.reduce((sum, { size }) => sum + size, 0)
    },
    append(frame, owner, done: Done) {
      if (frame.kind !== 1) return appender.append(frame, owner, done)
      const copy = { ...frame, payload: Buffer.from(frame.payload) }
      waiting.push({
        owner,
        size: frame.payload.length,
        done: (error) => (error === undefined ? appender.append(copy, { closed: false }, done) : done(error, 0)),
      })
    },
  })
  const release = (count = waiting.length) => {
    for (const frame of waiting.splice(0, count)) frame.done()
  }
  return { waiting, state, wrap, release }
}
