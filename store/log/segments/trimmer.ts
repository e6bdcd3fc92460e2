import { unlink } from 'node:fs/promises'
import { type Segment, syncFolder } from './files.ts'
import type { LogBoard } from './shared.ts'

/** The files of the log, oldest first; the newest is being written. */
export interface SegmentList {
  add(segment: Segment): void
  /** True when `trim` would remove something. */
  canTrim(): boolean
  /** Removes whole files that every consumer has released; one run at a time. */
  trim(): Promise<void>
}

export function createSegmentList(folder: string, found: readonly Segment[], board: LogBoard): SegmentList {
  const segments = [...found]
  let running: Promise<void> | undefined

  // A file ends where the next begins. The newest file with a commit stays: it knows the newest received time.
  const canTrim = (): boolean => {
    const next = segments[1]
    return next !== undefined && next.start <= board.released() && next.start < board.durable()
  }

  const removeReleased = async (): Promise<void> => {
    let removed = 0
    while (canTrim()) {
      const oldest = segments.shift()
      const next = segments[0]
      if (oldest === undefined || next === undefined) break
      // First the board, then the file: a reader never looks for a file that is going away.
      board.setTail(next.start)
      await unlink(oldest.path)
      removed++
    }
    if (removed > 0) await syncFolder(folder)
  }

  return {
    add: (segment) => {
      segments.push(segment)
    },
    canTrim,
    trim() {
      running ??= removeReleased().finally(() => {
        running = undefined
      })
      return running
    },
  }
}
