import { DatabaseSync } from 'node:sqlite'
import { Kysely, sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openMigrator, openState } from '../../../store/state/index.ts'
import type { Migration } from '../../../store/state/migrations/migration.ts'
import { createMigrator } from '../../../store/state/migrator.ts'
import { createSqliteDialect } from '../../../store/state/sqlite/dialect.ts'
import { createTestClock, refusal } from './harness.ts'
import { createSqlitePlace, deps, type SqlitePlace } from './sqlite-place.ts'

let place: SqlitePlace
beforeEach(async () => {
  place = await createSqlitePlace()
})
afterEach(() => place.dispose())

function schemaOf(file: string): unknown[] {
  const database = new DatabaseSync(file, { readOnly: true })
  const rows = database
    .prepare("select type, name, sql from sqlite_schema where name <> 'migrations' order by name")
    .all()
  database.close()
  return rows
}

test('up, down and up again end in the same schema', async () => {
  const clock = createTestClock()
  const migrator = openMigrator(place.config, clock)
  const { latest } = await migrator.status()
  const up = await migrator.up()
  expect(up).toHaveLength(latest)
  expect(await migrator.up()).toEqual([])
  const schema = schemaOf(place.config.file)
  expect(schema.length).toBeGreaterThan(10)
  expect(await migrator.status()).toEqual({
    current: latest,
    latest,
    steps: up.map((name) => ({ name, appliedMs: clock.now() })),
  })
  expect(await migrator.down(0)).toEqual(up.toReversed())
  expect(schemaOf(place.config.file)).toEqual([])
  expect((await migrator.status()).current).toBe(0)
  await migrator.up()
  expect(schemaOf(place.config.file)).toEqual(schema)
  await migrator.close()
})

test('a state that is behind is opened only by the one who may migrate it', async () => {
  const reading = { ...place.config, migrate: false }
  expect(await refusal(openState(reading, deps))).toBe('store_unavailable')
  const migrator = openMigrator(place.config, deps.clock)
  await migrator.down(0)
  await migrator.close()
  await expect(openState(reading, deps)).rejects.toThrow(/is at migration 0 of \d+; migrate it up first/)
  const migrating = await openState(place.config, deps)
  const follower = await openState(reading, deps)
  await follower.close()
  await migrating.close()
})

test('a state that is newer than the program is left alone', async () => {
  await (await openState(place.config, deps)).close()
  const database = new DatabaseSync(place.config.file)
  database.exec("insert into migrations (number, name, applied_ms) values (9999, '9999-future', 0)")
  database.close()
  for (const migrate of [true, false]) {
    const opening = openState({ ...place.config, migrate }, deps)
    await expect(opening).rejects.toMatchObject({ code: 'store_failed', retryable: false })
    await expect(opening).rejects.toThrow(/at migration 9999 and this program knows/)
  }
})

const table = (name: string): Migration => ({
  name,
  up: (db) => db.schema.createTable(name).addColumn('id', 'integer').execute(),
  down: (db) => db.schema.dropTable(name).execute(),
})

test('a step that fails leaves nothing of itself and everything before it', async () => {
  const database = new DatabaseSync(place.config.file)
  const db = new Kysely<unknown>({ dialect: createSqliteDialect(database) })
  const failing: Migration = {
    ...table('second'),
    async up(tx) {
      await table('second').up(tx)
      await sql`insert into nowhere values (1)`.execute(tx)
    },
  }
  const migrator = createMigrator(db, deps.clock, [table('first'), failing, table('third')])
  expect(await refusal(migrator.up())).toBe('store_failed')
  expect((await migrator.status()).current).toBe(1)
  const tables = await db.introspection.getTables()
  expect(tables.map((one) => one.name)).toEqual(['first', 'migrations'])

  const mended = createMigrator(db, deps.clock, [table('first'), table('second'), table('third')])
  expect(await mended.up()).toEqual(['second', 'third'])
  expect(await mended.down(1)).toEqual(['third', 'second'])
  expect(await refusal(mended.down(4))).toBe('invalid_input')
  await db.destroy()
})
