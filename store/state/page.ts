import type { SiteScope } from '../../model/index.ts'

/** One page of a list. `next` is where the following page begins (`after` of the next call); null at the end. */
export interface Page<Item, Cursor = string> {
  readonly items: readonly Item[]
  readonly next: Cursor | null
}

export interface PageRequest<Cursor = string> {
  /** Items at most, 1 to 10,000. */
  readonly limit: number
  readonly after?: Cursor | undefined
}

export interface ScopedPage<Cursor = string> extends PageRequest<Cursor> {
  /** What somebody may see; the rest is left out. */
  readonly scope: SiteScope
}

/** The place of a row in a list by time; rows of the same millisecond are told apart by their number. */
export interface TimeCursor {
  readonly timeMs: number
  readonly id: number
}

/** What somebody sees who may see no site. */
export const emptyPage = { items: [], next: null } as const

/** Makes a page of `limit + 1` rows: the one too many only says that there is a next page. */
export function toPage<Row, Item, Cursor>(
  rows: readonly Row[],
  limit: number,
  read: { readonly item: (row: Row) => Item; readonly cursor: (row: Row) => Cursor },
): Page<Item, Cursor> {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const next = rows.length > limit && last !== undefined ? read.cursor(last) : null
  return { items: shown.map(read.item), next }
}
