import { AppError, isAppError } from '../../../model/index.ts'

/** What the server answered instead of doing what it was asked. */
export class RefusedRequest extends Error {
  readonly status: number
  readonly retryAfter: string | undefined

  constructor(status: number, text: string, retryAfter: string | undefined) {
    super(text === '' ? `status ${status}` : text.slice(0, 1_000))
    this.name = 'RefusedRequest'
    this.status = status
    this.retryAfter = retryAfter
  }
}

/** Longer is not believed. */
const longestWaitMs = 3_600_000
/** What only people can mend is asked again now and then. */
const askAgainMs = 30_000

/** `Retry-After` is in seconds, or a date (RFC 9110, 10.2.3). */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined
  const seconds = Number(header)
  const waitMs = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(header) - nowMs
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), longestWaitMs)
}

export interface Failure {
  /** Begins the message. */
  readonly action: string
  readonly url: string
  /** Database or bucket. */
  readonly target: string
  readonly nowMs: number
}

/**
 * A server that cannot be reached, is overloaded, or will not do it until somebody has mended something: all of that may
 * pass, so all of it is worth another try, sooner or later.
 */
export function storeError(failure: Failure, cause: unknown): AppError {
  if (isAppError(cause)) return cause
  const { action, url, target, nowMs } = failure
  /** `told` to everybody: what the server and the system say may hold its address, our user and the statement. */
  const fail = (told: string, text: string, waitMs?: number) =>
    new AppError('store_unavailable', `${action} failed: ${text}`, {
      retryable: true,
      retryAfterMs: waitMs,
      publicText: `${action} failed: InfluxDB ${told}`,
      cause,
    })
  if (!(cause instanceof RefusedRequest)) {
    const told = isTimeout(cause) ? 'does not answer in time' : 'cannot be reached'
    return fail(told, `InfluxDB at ${url} cannot be reached: ${reasonOf(cause)}`)
  }

  const { status, message } = cause
  const says = `InfluxDB at ${url} says: ${message}`
  const waitMs = retryAfterMs(cause.retryAfter, nowMs)
  if (status === 401) {
    const wrong = 'token, user or password are wrong'
    return fail(`does not know the platform: ${wrong}`, `${says}. T${wrong.slice(1)}`, askAgainMs)
  }
  if (status === 403) {
    const told = 'does not let the platform use its database'
    return fail(told, `${says}. Token or user may not use ${target}`, askAgainMs)
  }
  // Soon: the next attempt may make it.
  if (isMissing(cause))
    return fail('has no such database', `${says}. There is no ${target}, or its retention policy is missing`)
  if (status === 429 || status === 503) return fail('is overloaded', `${says} (${status})`, waitMs)
  if (status >= 500) return fail(`fails (${status})`, says, waitMs)
  return fail(`refuses it (${status})`, `${says} (${status}). Is this InfluxDB 1.6 or later?`, askAgainMs)
}

/** The place to write to is not there; InfluxDB 1.x answers 404 to a write, and a query with an error in its result. */
export function isMissing(error: unknown): boolean {
  if (!(error instanceof RefusedRequest)) return false
  return error.status === 404 || /(database|bucket|retention policy) not found/i.test(error.message)
}

/** Some of what was written was taken and some was not: InfluxDB 1.x and 3.x answer 400, 2.x 422. */
export function isPartialWrite(error: unknown): error is RefusedRequest {
  if (!(error instanceof RefusedRequest) || (error.status !== 400 && error.status !== 422)) return false
  return /partial write|unable to parse|dropped=\d|field type conflict/i.test(error.message)
}

/** Of `fetch`, or of the client that writes. */
function isTimeout(error: unknown): boolean {
  return error instanceof Error && ['TimeoutError', 'RequestTimedOutError'].includes(error.name)
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // fetch says "fetch failed", and why in its cause.
  const inner = error.cause instanceof Error ? error.cause : error
  if (inner instanceof AggregateError && inner.errors[0] instanceof Error) return inner.errors[0].message
  return inner.message === '' ? inner.name : inner.message
}
