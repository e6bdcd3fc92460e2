import type { Kysely } from 'kysely'

/**
 * One step of the schema, there and back. It sees tables as they were at its time, which no type of today describes,
 * so it gets a database without one.
 */
export interface Migration {
  readonly name: string
  up(db: Kysely<unknown>): Promise<void>
  /** Takes the step back; data that only the newer schema could hold is lost. */
  down(db: Kysely<unknown>): Promise<void>
}
