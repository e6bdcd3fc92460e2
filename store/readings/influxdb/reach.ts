import { RefusedRequest, retryAfterMs } from './errors.ts'

/** Keeps questions from waiting, one after the other, for a server that does not answer or does not want to be asked. */
export interface Reach {
  /**
   * What the question answers. Rejects at once while the server is known not to answer, or has asked to be left alone; and
   * as soon as that is found out.
   */
  ask<Answer>(question: () => Promise<Answer>): Promise<Answer>
}

export interface ReachDeps {
  /** Whether the server says anything at all within the time. */
  ping(timeoutMs: number): Promise<boolean>
  /** Epoch ms: `Retry-After` may be a date. */
  readonly nowMs: () => number
}

/** A question may take long; when none was answered for so long it is asked whether anybody is there. */
export const patienceMs = 3_000
const pingMs = 2_000
/** While nobody is there and somebody wants to know, it is asked again so often. */
const askAgainMs = 1_000
/** What was found out longer ago is worth nothing: whoever asks then waits for a ping. */
const knownMs = 5_000

interface Waiting {
  readonly sinceMs: number
  readonly giveUp: (error: Error) => void
}

export function createReach({ ping, nowMs }: ReachDeps): Reach {
  const waiting = new Set<Waiting>()
  let answeredMs = Number.NEGATIVE_INFINITY
  let isSilent = false
  /** The server's own wish. */
  let rest: { readonly untilMs: number; readonly said: RefusedRequest } | undefined
  let pinging: Promise<void> | undefined
  let pingedMs = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined

  function lookWhetherItIsThere(): Promise<void> {
    pinging ??= look().finally(() => {
      pinging = undefined
    })
    return pinging
  }

  async function look(): Promise<void> {
    const isThere = await ping(pingMs).catch(() => false)
    pingedMs = performance.now()
    isSilent = !isThere
    if (isThere) answeredMs = pingedMs
    else for (const { giveUp } of waiting) giveUp(silence())
  }

  function watch(): void {
    timer ??= setInterval(() => {
      const [oldest] = waiting
      if (oldest === undefined) {
        clearInterval(timer)
        timer = undefined
      } else if (performance.now() - Math.max(oldest.sinceMs, answeredMs) >= patienceMs) void lookWhetherItIsThere()
    }, patienceMs / 10)
    timer.unref()
  }

  async function refuseWhereHopeless(): Promise<void> {
    if (rest !== undefined && rest.untilMs > nowMs()) {
      const { untilMs, said } = rest
      throw new RefusedRequest(said.status, said.message, String((untilMs - nowMs()) / 1_000))
    }
    rest = undefined
    if (!isSilent) return
    const knownForMs = performance.now() - pingedMs
    const looking = knownForMs < askAgainMs ? undefined : lookWhetherItIsThere()
    if (knownForMs >= knownMs) await looking
    if (isSilent) throw silence()
  }

  function learn(error: unknown): void {
    if (!(error instanceof RefusedRequest)) return
    answeredMs = performance.now()
    const waitMs = retryAfterMs(error.retryAfter, nowMs())
    if (waitMs !== undefined && waitMs > 0 && (error.status === 429 || error.status === 503))
      rest = { untilMs: nowMs() + waitMs, said: error }
  }

  return {
    async ask(question) {
      await refuseWhereHopeless()
      const given = Promise.withResolvers<never>()
      const one: Waiting = { sinceMs: performance.now(), giveUp: given.reject }
      waiting.add(one)
      watch()
      try {
        const answer = await Promise.race([question(), given.promise])
        answeredMs = performance.now()
        return answer
      } catch (error) {
        learn(error)
        throw error
      } finally {
        waiting.delete(one)
      }
    },
  }
}

function silence(): Error {
  return Object.assign(new Error('no answer, not even to /ping'), { name: 'TimeoutError' })
}
