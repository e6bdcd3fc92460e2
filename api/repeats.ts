import type { Logger } from 'pino'
import type { State } from '../store/state/index.ts'
import { HttpProblem } from './problem.ts'
import { Repeat } from './repeat.ts'
import type { RawRequest } from './request.ts'
import type { PrincipalContext, RawAnswer, Route } from './route.ts'

type GuardedRoute = Exclude<Route, { readonly policy: 'public' }>

/** Requests with an `Idempotency-Key`: however often one is sent, it has one effect and one answer. */
export interface Repeats {
  run(asked: {
    readonly route: GuardedRoute
    readonly request: RawRequest
    readonly context: PrincipalContext
    /** The header, as it came. */
    readonly key: string
  }): Promise<RawAnswer>
}

export interface RepeatsDeps {
  readonly answers: State['answers']
  /** Told how many answers of less than a day had to go for another. */
  onMadeRoom(count: number): void
  readonly logger: Logger
}

/** Visible ASCII without quotation marks and backslashes; the draft writes it as a string in quotation marks, most clients do not. */
const keyPattern = /^(?:"([\x20\x21\x23-\x5b\x5d-\x7e]{1,255})"|([\x21\x23-\x5b\x5d-\x7e]{1,255}))$/

/** draft-ietf-httpapi-idempotency-key-header-07. */
export function createRepeats({ answers, onMadeRoom, logger }: RepeatsDeps): Repeats {
  // Of the requests that run in this process; the primary key of the kept answers is between processes.
  const running = new Set<string>()

  async function answer(route: GuardedRoute, request: RawRequest, context: PrincipalContext, key: string) {
    const body = await request.readBody()
    const named = { principal: context.principal, name: key, content: contentOf(route, request, body, context) }
    const kept = await answers.find(named)
    if (kept?.kind === 'another')
      throw new HttpProblem('idempotency_key_reused', 'this Idempotency-Key came with another request before')
    if (kept?.kind === 'answer') return replayed(kept.answer as RawAnswer)
    const repeat = new Repeat(named, kept?.results ?? [])
    const given = await route.run({ ...request, readBody: async () => body }, { ...context, repeat })
    if (repeat.madeRoom > 0) onMadeRoom(repeat.madeRoom)
    if (given.status < 300)
      await answers.keepAnswer(named, lasting(given)).catch((err: unknown) => {
        // The results are kept, so a repetition changes nothing; it only has to be put together again.
        logger.warn({ err, requestId: context.requestId }, 'answer not kept')
      })
    return kept === undefined ? given : replayed(given)
  }

  return {
    async run({ route, request, context, key: header }) {
      const [, quoted, bare] = keyPattern.exec(header) ?? []
      const key = quoted ?? bare
      if (key === undefined)
        throw new HttpProblem('malformed_request', 'Idempotency-Key: must be 1 to 255 visible characters', {
          fields: [
            { field: 'Idempotency-Key', message: 'must be 1 to 255 visible characters, in quotation marks or not' },
          ],
        })
      const { kind, id } = context.principal
      const place = `${kind}:${id}:${key}`
      if (running.has(place))
        throw new HttpProblem('request_in_progress', 'a request with this Idempotency-Key is still running', {
          headers: { 'retry-after': '1' },
        })
      running.add(place)
      try {
        return await answer(route, request, context, key)
      } finally {
        running.delete(place)
      }
    },
  }
}

/** Where it goes, what it asks, and its body; and for which sites, for the answer may show what its sender may not see any more. */
function contentOf(
  { method, path }: Route,
  { params, query }: RawRequest,
  body: Uint8Array,
  { principal: { sites } }: PrincipalContext,
): Uint8Array {
  const head = JSON.stringify([method, path, params, query.toString(), sites, body.length])
  return Buffer.concat([Buffer.from(head), body])
}

/** What is said again: no cookies, which are of one visit. */
function lasting({ status, headers, body }: RawAnswer): RawAnswer {
  return { status, ...(headers && { headers }), ...(body !== undefined && { body }) }
}

function replayed(answer: RawAnswer): RawAnswer {
  return { ...answer, headers: { ...answer.headers, 'idempotency-replayed': 'true' } }
}
