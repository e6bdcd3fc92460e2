import { type Kysely, sql } from 'kysely'
import { AppError, type Clock } from '../../model/index.ts'
import { migrations } from './migrations/index.ts'
import type { Migration } from './migrations/migration.ts'

export interface MigrationStatus {
  /** Migrations applied to the state; 0 is an empty one. */
  readonly current: number
  /** What this program needs. */
  readonly latest: number
  readonly steps: readonly { readonly name: string; readonly appliedMs: number | null }[]
}

/**
 * Brings a state to the schema of the program, or back. Each step is one transaction that reads the version anew, so
 * several may run at once and each step still happens once. Throws `store_failed` for a state that is newer.
 */
export interface Migrator {
  status(): Promise<MigrationStatus>
  /** Applies what is missing; resolves with the names of what it applied. */
  up(): Promise<readonly string[]>
  /** Takes back the steps above `target` (0: all of them, and all data); resolves with their names. */
  down(target: number): Promise<readonly string[]>
}

type VersionSchema = {
  migrations: { number: number; name: string; applied_ms: number }
}

export function createMigrator(db: Kysely<unknown>, clock: Clock, steps: readonly Migration[] = migrations): Migrator {
  /** One step, when `choose` finds one for the version met inside the transaction. */
  async function step(choose: (current: number) => Change | undefined): Promise<string | undefined> {
    return db.transaction().execute(async (tx) => {
      const versions = tx.withTables<VersionSchema>()
      await prepare(versions)
      const change = choose(await currentNumber(versions, steps.length))
      if (change === undefined) return undefined
      const { migration, number } = change
      if (change.kind === 'up') {
        await migration.up(tx)
        await versions
          .insertInto('migrations')
          .values({ number, name: migration.name, applied_ms: clock.now() })
          .execute()
      } else {
        await migration.down(tx)
        await versions.deleteFrom('migrations').where('number', '=', number).execute()
      }
      return migration.name
    })
  }

  async function repeat(choose: (current: number) => Change | undefined): Promise<readonly string[]> {
    const done: string[] = []
    for (let name = await step(choose); name !== undefined; name = await step(choose)) done.push(name)
    return done
  }

  return {
    status: () =>
      db.transaction().execute(async (tx) => {
        const versions = tx.withTables<VersionSchema>()
        await prepare(versions)
        const current = await currentNumber(versions, steps.length)
        const applied = await versions.selectFrom('migrations').select(['number', 'applied_ms']).execute()
        const times = new Map(applied.map((row) => [row.number, row.applied_ms]))
        return {
          current,
          latest: steps.length,
          steps: steps.map(({ name }, i) => ({ name, appliedMs: times.get(i + 1) ?? null })),
        }
      }),

    up: () =>
      repeat((current) => {
        const migration = steps[current]
        return migration && { kind: 'up', migration, number: current + 1 }
      }),

    async down(target) {
      if (!Number.isInteger(target) || target < 0 || target > steps.length)
        throw new AppError('invalid_input', `migrate down to ${target} failed: there are 0 to ${steps.length}`)
      return repeat((current) => {
        const migration = current > target ? steps[current - 1] : undefined
        return migration && { kind: 'down', migration, number: current }
      })
    },
  }
}

interface Change {
  readonly kind: 'up' | 'down'
  readonly migration: Migration
  readonly number: number
}

async function prepare(db: Kysely<VersionSchema>): Promise<void> {
  await db.schema
    .createTable('migrations')
    .ifNotExists()
    .addColumn('number', 'integer', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('applied_ms', 'bigint', (column) => column.notNull())
    .execute()
}

async function currentNumber(db: Kysely<VersionSchema>, latest: number): Promise<number> {
  const { number } = await db
    .selectFrom('migrations')
    .select(sql<number>`coalesce(max(number), 0)`.as('number'))
    .executeTakeFirstOrThrow()
  if (number <= latest) return number
  throw new AppError(
    'store_failed',
    `open state failed: it is at migration ${number} and this program knows ${latest}: start the newer program, or let it migrate down`,
  )
}
