import type { AppendTarget, LogPosition } from '../../store/log/index.ts'

/** One way to keep the log, as the comparison drives it. */
export interface LogEngine {
  readonly log: AppendTarget
  /** Permits trimming up to here; the engine trims as it likes. */
  release(position: LogPosition): void
  /** Everything still there, in chunks of about 256 KiB; returns the bytes read. */
  readAll(): Promise<number>
  commits(): number
  close(): Promise<void>
}

export type OpenEngine = (folder: string) => Promise<LogEngine>
