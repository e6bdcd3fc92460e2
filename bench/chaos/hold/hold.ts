import { writeSync } from 'node:fs'

/** The two commits that ingest makes of a reading that crosses a limit, in stores that know nothing of each other. */
export type Commit = 'readings' | 'transitions'

/**
 * What becomes of a commit in which the reading of this value is. `before`: it never begins. `after`: it lasts, and nobody
 * learns of it. Absent: it goes its way.
 */
export interface Hold {
  readonly value: number
  readonly readings?: 'before' | 'after'
  readonly transitions?: 'before' | 'after'
}

/** Where a process that is to be killed finds its hold, as JSON. */
export const holdVariable = 'CHAOS_HOLD'

/** The line on standard output that says how far a commit has come. */
export function announcement(commit: Commit, state: 'held' | 'done', value: number): string {
  return `chaos: ${commit} of ${value} ${state}`
}

/** Does the commit as the hold wants it; one that is held never resolves, and only a kill ends that. */
export async function commitUnder<T>(hold: Hold, commit: Commit, work: () => Promise<T>): Promise<T> {
  // At once, whatever becomes of the thread.
  const say = (state: 'held' | 'done') => writeSync(1, `${announcement(commit, state, hold.value)}\n`)
  if (hold[commit] === 'before') {
    say('held')
    return new Promise(() => {})
  }
  const outcome = await work()
  say('done')
  return hold[commit] === 'after' ? new Promise(() => {}) : outcome
}

export function readHold(): Hold {
  return JSON.parse(process.env[holdVariable] ?? '') as Hold
}
