import { z } from '@hono/zod-openapi'
import type { Page } from '../store/state/index.ts'
import { type CursorFilter, decodeCursor, encodeCursor } from './cursor.ts'
import { integerInput } from './fields.ts'
import { maxTimeMs } from './time.ts'

export const defaultLimit = 1_000
export const maxLimit = 10_000

/** The two parameters of every list. */
export const pageQuery = {
  limit: integerInput(1, maxLimit)
    .optional()
    .openapi({ description: 'Items of a page at most', default: defaultLimit }),
  cursor: z
    .string()
    .max(1_000)
    .optional()
    .openapi({ description: '`nextCursor` of the page before; the other parameters must stay as they were' }),
}

export interface PageInput {
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

export function pageSchema<Item extends z.ZodType>(item: Item) {
  return z.strictObject({
    items: z.array(item),
    nextCursor: z.string().nullable().openapi({ description: 'Cursor of the next page; null on the last one' }),
  })
}

export interface PageSource<Record, Place extends z.ZodType, Item> {
  /** All parameters but `limit` and `cursor`. */
  readonly filter: CursorFilter
  readonly place: Place
  load(page: { limit: number; after: z.output<Place> | undefined }): Promise<Page<Record, z.output<Place>>>
  toItem(record: Record): Item
}

/** One page of a list of state. */
export async function loadPage<Record, Place extends z.ZodType, Item>(
  { limit, cursor }: PageInput,
  source: PageSource<Record, Place, Item>,
): Promise<{ items: Item[]; nextCursor: string | null }> {
  const after = cursor === undefined ? undefined : decodeCursor(cursor, source.filter, source.place)
  const page = await source.load({ limit: limit ?? defaultLimit, after })
  return {
    items: page.items.map(source.toItem),
    nextCursor: page.next === null ? null : encodeCursor(source.filter, page.next),
  }
}

/** The place in a list ordered by id. */
export const idPlace = z.string().min(1).max(100)
/** The place in a list ordered by number. */
export const numberPlace = z.int().min(0)
const timeMs = z.int().min(0).max(maxTimeMs)
/** The place in a list ordered by time. */
export const timePlace = z.strictObject({ timeMs, id: z.int().min(0) })
/** What is left of a range. Its end stays what it was on the first page, so that a walk through the pages ends. */
export const rangePlace = z.tuple([timeMs, timeMs]).refine(([fromMs, toMs]) => fromMs < toMs)
