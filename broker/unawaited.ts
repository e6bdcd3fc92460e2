import type { AppendFrame, LogAppender } from '../store/log/index.ts'

/** Written whoever it concerns has gone. */
const owner = { closed: false } as const

/** Appends what nobody waits for. A log that cannot take it stops the readings too, and reports itself. */
export function appendUnawaited(appender: LogAppender, frame: AppendFrame): void {
  try {
    appender.append(frame, owner, ignoreOutcome)
  } catch {
    ignoreOutcome()
  }
}

function ignoreOutcome(): void {}
