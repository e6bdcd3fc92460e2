import { type KeySpace, next, spaceRange } from './keys.ts'
import type { SessionEntry, SessionStore } from './session-store.ts'

/** Entries read at once. */
export const pageSize = 1_000

/** Every entry of a space, or of one session in it, page by page. */
export function* pages(store: SessionStore, space: KeySpace, number?: number): Generator<readonly SessionEntry[]> {
  let [from, to] = spaceRange(space, number)
  for (;;) {
    const page = store.range(from, to, pageSize)
    if (page.length > 0) yield page
    const last = page.at(-1)
    if (last === undefined || page.length < pageSize) return
    from = next(last.key)
  }
}

export function* entries(store: SessionStore, space: KeySpace, number?: number): Generator<SessionEntry> {
  for (const page of pages(store, space, number)) yield* page
}
