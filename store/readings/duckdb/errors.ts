import { AppError, isAppError } from '../../../model/index.ts'

/**
 * DuckDB says what went wrong in words only; the first pattern that matches decides. Those may hold paths and statements:
 * everybody else is `told` ours.
 */
const kinds = [
  { pattern: /INTERRUPT/i, code: 'aborted', retryable: true, told: 'it was broken off' },
  {
    pattern: /set lock on file|conflicting lock/i,
    code: 'store_unavailable',
    retryable: true,
    told: 'somebody else uses the database',
  },
  {
    pattern: /no space left|disk quota|out of memory|failed to allocate/i,
    code: 'store_unavailable',
    retryable: true,
    told: 'the database has no room on the disk or in memory',
  },
  {
    pattern: /has been invalidated|^FATAL/i,
    code: 'store_unavailable',
    retryable: true,
    told: 'the database is opened again',
  },
  { pattern: /conflict on/i, code: 'store_unavailable', retryable: true, told: 'the database is being changed' },
] as const

/** What is none of the known passing conditions (a corrupt file, a read-only folder, a defect) is not worth a retry. */
export function storeError(action: string, cause: unknown): AppError {
  if (isAppError(cause)) return cause
  const text = cause instanceof Error ? cause.message : String(cause)
  const kind = kinds.find(({ pattern }) => pattern.test(text))
  return new AppError(kind?.code ?? 'store_failed', `${action} failed: ${firstLine(text)}`, {
    retryable: kind?.retryable ?? false,
    publicText: `${action} failed: ${kind?.told ?? 'the database failed'}`,
    cause,
  })
}

/** After such an error every call on the database fails until its file is opened again. */
export function needsReopening(cause: unknown): boolean {
  return cause instanceof Error && /has been invalidated|^FATAL/i.test(cause.message)
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text
}
