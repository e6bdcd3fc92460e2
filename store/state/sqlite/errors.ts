import { AppError } from '../../../model/index.ts'

/** Primary result codes, https://sqlite.org/rescode.html; the low byte of an extended code is its primary one. */
const code = { busy: 5, locked: 6, full: 13, cantOpen: 14, constraint: 19 } as const

interface SqliteFailure {
  readonly errcode: number
  readonly message: string
}

function isSqliteFailure(error: unknown): error is SqliteFailure {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
}

/** What went wrong in SQLite, in the words of the catalogue. `doing` is verb and object: `run state query`. */
export function fromSqlite(doing: string, cause: unknown): AppError {
  if (!isSqliteFailure(cause)) return new AppError('store_failed', `${doing} failed`, { cause })
  const message = `${doing} failed: ${cause.message}`
  switch (cause.errcode & 0xff) {
    case code.busy:
    case code.locked:
    case code.full:
    case code.cantOpen:
      return new AppError('store_unavailable', message, { retryable: true, cause })
    case code.constraint:
      return new AppError('conflict', message, { cause, fields: constraintFields(cause.message) })
    default:
      return new AppError('store_failed', message, { cause })
  }
}

/** `UNIQUE constraint failed: people.email_folded` names its columns; foreign keys name nothing. */
function constraintFields(message: string) {
  const columns = /^UNIQUE constraint failed: (.+)$/.exec(message)?.[1]?.split(', ') ?? []
  return columns.map((column) => ({ field: column.slice(column.indexOf('.') + 1), message: 'is taken' }))
}
