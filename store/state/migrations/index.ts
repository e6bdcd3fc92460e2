import { first } from './0001-first.ts'
import type { Migration } from './migration.ts'

/** In order, for ever: a migration that was released is never changed, only followed. Number n is at index n - 1. */
export const migrations: readonly Migration[] = [first]
