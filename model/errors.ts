/** Every code an AppError may carry; `docs/errors.md` explains each and a test compares the two. */
export const errorCodes = [
  'invalid_input',
  'unauthenticated',
  'forbidden',
  'not_found',
  'conflict',
  'too_large',
  'log_full',
  'log_failed',
  'store_unavailable',
  'store_failed',
  'store_emptied',
  'data_folder_locked',
  'closed',
  'aborted',
  'internal',
] as const

export type ErrorCode = (typeof errorCodes)[number]

/** One wrong field of an input: a JSON pointer or a setting's name, and what is wrong with it. */
export interface FieldError {
  readonly field: string
  readonly message: string
}

export interface AppErrorOptions {
  readonly retryable?: boolean
  /** Not to be tried again any sooner, because whoever refused said so; ms. */
  readonly retryAfterMs?: number | undefined
  readonly cause?: unknown
  /** What everybody may read instead of a message that names addresses, users, paths or statements. */
  readonly publicText?: string
  readonly fields?: readonly FieldError[]
}

/** The one error type that crosses our own doors. Message = verb + object + offending value. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly retryable: boolean
  readonly retryAfterMs: number | undefined
  /** The message, unless that is for the log alone. */
  readonly publicText: string
  readonly fields: readonly FieldError[]

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'AppError'
    this.code = code
    this.retryable = options.retryable ?? false
    this.retryAfterMs = options.retryAfterMs
    this.publicText = options.publicText ?? message
    this.fields = options.fields ?? []
  }
}

export function isAppError(error: unknown, code?: ErrorCode): error is AppError {
  return error instanceof AppError && (code === undefined || error.code === code)
}
