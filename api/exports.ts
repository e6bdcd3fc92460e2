import type { Clock } from '../model/index.ts'
import { HttpProblem } from './problem.ts'
import type { PrincipalContext } from './route.ts'

/** Long answers that go on as fast as their clients read. */
export interface Exports {
  /**
   * The chunks; the first one fails with a 429 problem where there is no room for one more export. It counts until it ends, fails, is
   * left by its client, is not read for so long that its client is as good as gone, or its caller may not see it any more.
   */
  begin(caller: Caller, chunks: () => AsyncIterable<string>): AsyncIterable<string>
}

export type Caller = Pick<PrincipalContext, 'principal' | 'stillAllowed'>

export interface ExportLimits {
  readonly mostOfPrincipal: number
  readonly mostInAll: number
  /** The socket is cut by then. */
  readonly unreadMs: number
  /** Whether the caller may still see it is looked at this often. */
  readonly lookAgainMs: number
}

const retryAfterS = 5

export function createExports(limits: ExportLimits, clock: Clock): Exports {
  const { mostOfPrincipal, mostInAll, unreadMs, lookAgainMs } = limits
  /** Who has them. */
  const running = new Map<symbol, string>()

  function take(owner: string): symbol {
    const own = [...running.values()].filter((one) => one === owner).length
    if (own >= mostOfPrincipal || running.size >= mostInAll) {
      const whose = own >= mostOfPrincipal ? `${own} exports of yours` : `${running.size} exports`
      const headers = { 'retry-after': String(retryAfterS) }
      throw new HttpProblem('too_many_exports', `${whose} are running already`, { headers })
    }
    const place = Symbol(owner)
    running.set(place, owner)
    return place
  }

  async function* counted(caller: Caller, chunks: () => AsyncIterable<string>): AsyncGenerator<string> {
    // Begun when the first chunk is asked for, and that is before the head of the answer.
    const place = take(`${caller.principal.kind}:${caller.principal.id}`)
    let lookedMs = clock.now()
    let timer: NodeJS.Timeout | undefined
    try {
      for await (const chunk of chunks()) {
        if (Math.abs(clock.now() - lookedMs) >= lookAgainMs) {
          if (!(await caller.stillAllowed())) throw new HttpProblem('forbidden', 'its caller may not see it any more')
          lookedMs = clock.now()
        }
        timer = setTimeout(() => running.delete(place), unreadMs)
        yield chunk
        clearTimeout(timer)
        if (!running.has(place)) throw new HttpProblem('request_timeout', 'the export was not read')
      }
    } finally {
      clearTimeout(timer)
      running.delete(place)
    }
  }

  return { begin: counted }
}
