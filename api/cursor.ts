import { createHash } from 'node:crypto'
import type { z } from 'zod'
import { badParameter } from './problem.ts'

/** What a cursor answers for: every filter of the query, but neither `limit` nor `cursor` itself. */
export type CursorFilter = Readonly<Record<string, string | number | undefined>>

/**
 * Where the next page begins, as opaque text. It carries a print of the filter it was made for, so that a page of one
 * query cannot be continued as another one.
 */
export function encodeCursor(filter: CursorFilter, place: unknown): string {
  return Buffer.from(JSON.stringify([print(filter), place]), 'utf8').toString('base64url')
}

/** The place that `encodeCursor` was given; a 400 problem when the text is none of ours or of another query. */
export function decodeCursor<Place extends z.ZodType>(
  text: string,
  filter: CursorFilter,
  place: Place,
): z.output<Place> {
  const [filterPrint, value] = unpack(text)
  if (filterPrint !== print(filter)) throw badParameter('cursor', 'belongs to another query')
  const parsed = place.safeParse(value)
  if (!parsed.success) throw badParameter('cursor', 'is not a cursor')
  return parsed.data
}

function unpack(text: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
    if (Array.isArray(value) && value.length === 2) return value
  } catch {
    // Neither base64 nor JSON: the same answer as for any other text that is no cursor.
  }
  throw badParameter('cursor', 'is not a cursor')
}

function print(filter: CursorFilter): string {
  const known = Object.entries(filter).filter(([, value]) => value !== undefined)
  const text = JSON.stringify(known.sort(([a], [b]) => (a < b ? -1 : 1)))
  return createHash('sha256').update(text).digest('base64url').slice(0, 12)
}
