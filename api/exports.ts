import type { Principal } from '../model/index.ts'
import { HttpProblem } from './problem.ts'

/** Long answers that go on as fast as their clients read. */
export interface Exports {
  /**
   * The chunks; the first one fails with a 429 problem where there is no room for one more export. It counts until it ends, fails, is
   * left by its client, or is not read for so long that its client is as good as gone.
   */
  begin(principal: Principal, chunks: () => AsyncIterable<string>): AsyncIterable<string>
}

export interface ExportLimits {
  readonly mostOfPrincipal: number
  readonly mostInAll: number
  /** The socket is cut by then. */
  readonly unreadMs: number
}

const retryAfterS = 5

export function createExports({ mostOfPrincipal, mostInAll, unreadMs }: ExportLimits): Exports {
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

  async function* counted(owner: string, chunks: () => AsyncIterable<string>): AsyncGenerator<string> {
    // Begun when the first chunk is asked for, and that is before the head of the answer.
    const place = take(owner)
    let timer: NodeJS.Timeout | undefined
    try {
      for await (const chunk of chunks()) {
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

  return { begin: ({ kind, id }, chunks) => counted(`${kind}:${id}`, chunks) }
}
