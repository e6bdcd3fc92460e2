import { STATUS_CODES } from 'node:http'
import { z } from '@hono/zod-openapi'
import { AppError, type ErrorCode, errorCodes, type FieldError } from '../model/index.ts'

/** What only HTTP can get wrong; every other code is the catalogue's. */
const httpCodes = [
  'malformed_request',
  'method_not_allowed',
  'unsupported_media_type',
  'request_timeout',
  'headers_too_large',
  'too_many_streams',
  'second_factor_needed',
  'fresh_sign_in_needed',
  'too_many_exports',
  'uri_too_long',
  'rate_limited',
  'request_in_progress',
  'idempotency_key_reused',
] as const
export type ProblemCode = ErrorCode | (typeof httpCodes)[number]

/** The one place where a code becomes a status. */
const statusOf: Readonly<Record<ProblemCode, number>> = {
  malformed_request: 400,
  method_not_allowed: 405,
  unsupported_media_type: 415,
  request_timeout: 408,
  headers_too_large: 431,
  too_many_streams: 429,
  second_factor_needed: 403,
  fresh_sign_in_needed: 403,
  too_many_exports: 429,
  uri_too_long: 414,
  rate_limited: 429,
  request_in_progress: 409,
  idempotency_key_reused: 422,
  invalid_input: 422,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  too_large: 413,
  log_full: 503,
  log_failed: 503,
  store_unavailable: 503,
  store_failed: 500,
  store_emptied: 503,
  data_folder_locked: 503,
  closed: 503,
  aborted: 503,
  internal: 500,
}

export const problemType = 'application/problem+json'

/** RFC 9457, with three members of ours: `code`, `requestId` and `errors`. */
export const problemSchema = z
  .strictObject({
    type: z.string().describe('A URN that names the kind of problem: `urn:pelbiot:problem:{code}`'),
    title: z.string().describe('The HTTP status in words'),
    status: z.int().describe('The HTTP status'),
    detail: z.string().describe('What was wrong with this very request, for people'),
    code: z.enum([...httpCodes, ...errorCodes]).describe('What was wrong, for programs'),
    requestId: z.string().describe('The same as in the header X-Request-Id and in the log of the platform'),
    errors: z
      .array(
        z.strictObject({
          field: z.string().describe('Name of a parameter, or path into the body: limits.metrics, tags.0'),
          message: z.string(),
        }),
      )
      .optional()
      .describe('Every wrong field of the request'),
  })
  .openapi('Problem')

export type ProblemBody = z.output<typeof problemSchema>

export interface ProblemOptions {
  readonly fields?: readonly FieldError[]
  readonly headers?: Readonly<Record<string, string>>
}

/** Ends a request with a problem; AppErrors end it too, through `toProblem`. */
export class HttpProblem extends Error {
  readonly code: ProblemCode
  readonly fields: readonly FieldError[]
  readonly headers: Readonly<Record<string, string>>

  constructor(code: ProblemCode, detail: string, options: ProblemOptions = {}) {
    super(detail)
    this.name = 'HttpProblem'
    this.code = code
    this.fields = options.fields ?? []
    this.headers = options.headers ?? {}
  }

  get status(): number {
    return statusOf[this.code]
  }

  body(requestId: string): ProblemBody {
    const { code, status } = this
    return {
      type: `urn:pelbiot:problem:${code}`,
      title: STATUS_CODES[status] ?? 'Error',
      status,
      detail: this.message,
      code,
      requestId,
      ...(this.fields.length > 0 && { errors: [...this.fields] }),
    }
  }
}

/** Whoever asks us asks no less often than a person would try again. */
const longestRetryAfterS = 60

const failed = 'the platform failed to answer; its log has the cause under this request id'

/** Any error as the problem that may be shown: what we did not foresee keeps its insides to itself. */
export function toProblem(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error
  if (!(error instanceof AppError)) return new HttpProblem('internal', failed)
  if (statusOf[error.code] === 500) return new HttpProblem(error.code, failed)
  const waitS = Math.min(Math.max(1, Math.ceil((error.retryAfterMs ?? 0) / 1_000)), longestRetryAfterS)
  const headers = error.retryable ? { 'retry-after': String(waitS) } : undefined
  const fields = error.fields.map(({ field, message }) => ({ field: field.replaceAll('/', '.'), message }))
  return new HttpProblem(error.code, error.publicText, { fields, ...(headers && { headers }) })
}

/** One wrong parameter of the address: 400. */
export function badParameter(field: string, message: string): HttpProblem {
  return new HttpProblem('malformed_request', `${field}: ${message}`, { fields: [{ field, message }] })
}

/** One wrong field of the body: 422. */
export function badField(field: string, message: string): HttpProblem {
  return new HttpProblem('invalid_input', `${field}: ${message}`, { fields: [{ field, message }] })
}
