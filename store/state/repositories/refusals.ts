import { AppError, type FieldError } from '../../../model/index.ts'

/** `doing` is verb, noun and id: `update site main`. */

export function notFound(doing: string): AppError {
  return new AppError('not_found', `${doing} failed: there is none`)
}

export function conflict(doing: string, field: string, message: string): AppError {
  return new AppError('conflict', `${doing} failed: ${field} ${message}`, { fields: [{ field, message }] })
}

export function invalid(doing: string, field: string, message: string): AppError {
  return new AppError('invalid_input', `${doing} failed: ${field} ${message}`, { fields: [{ field, message }] })
}

export function refuseFields(doing: string, fields: readonly FieldError[]): void {
  const [first] = fields
  if (first === undefined) return
  throw new AppError('invalid_input', `${doing} failed: ${first.field} ${first.message}`, { fields })
}
