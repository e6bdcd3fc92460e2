import { DatabaseSync } from 'node:sqlite'
import { Kysely, sql } from 'kysely'
import { expect, test } from 'vitest'
import type { StateSchema } from '../../../store/state/schema.ts'
import { createSqliteDialect } from '../../../store/state/sqlite/dialect.ts'
import { trackWrites } from '../../../store/state/track-writes.ts'

function open() {
  const database = new DatabaseSync(':memory:')
  database.exec('create table data_versions (kind text primary key, version integer not null)')
  database.exec('create table sites (id text primary key, name text, time_zone text, currency text)')
  database.exec('create table settings (name text primary key, value text)')
  const { dialect, begin } = trackWrites(createSqliteDialect(database))
  const db = new Kysely<StateSchema>({ dialect })
  const versions = () =>
    Object.fromEntries(
      database
        .prepare('select kind, version from data_versions')
        .all()
        .map(({ kind, version }) => [kind, version]),
    )
  return { db, begin, versions, run: (text: string) => sql.raw(text).execute(db) }
}

const site = (id: string) => ({ id, name: id, time_zone: 'UTC', currency: 'IDR' }) as StateSchema['sites']

test('a transaction counts once, with its commit, what it wrote to', async () => {
  const { db, begin, versions } = open()
  begin()
  await db.transaction().execute(async (tx) => {
    await tx
      .insertInto('sites')
      .values([site('a'), site('b')])
      .execute()
    await tx.updateTable('sites').set({ name: 'B' }).where('id', '=', site('b').id).execute()
    expect(versions()).toEqual({})
  })
  expect(versions()).toEqual({ inventory: 1 })
  await db.transaction().execute((tx) => tx.deleteFrom('sites').where('id', '=', site('a').id).execute())
  expect(versions()).toEqual({ inventory: 2 })
})

test('one that is rolled back counts nothing, nor does the next one count for it', async () => {
  const { db, begin, versions } = open()
  begin()
  const failing = db.transaction().execute(async (tx) => {
    await tx.insertInto('sites').values(site('a')).execute()
    throw new Error('no')
  })
  await expect(failing).rejects.toThrow('no')
  await db.transaction().execute((tx) => tx.insertInto('settings').values({ name: 'a', value: 'b' }).execute())
  expect(versions()).toEqual({})
})

test('a write without a transaction counts too, and a failed one leaves none open', async () => {
  const { db, begin, versions } = open()
  begin()
  await db.insertInto('sites').values(site('a')).execute()
  expect(versions()).toEqual({ inventory: 1 })
  await expect(db.insertInto('sites').values(site('a')).execute()).rejects.toThrow()
  const both = [db.insertInto('sites').values(site('b')).execute(), db.insertInto('sites').values(site('c')).execute()]
  await Promise.all(both)
  expect(versions()).toEqual({ inventory: 3 })
})

test('what met no row has changed nothing', async () => {
  const { db, begin, versions } = open()
  begin()
  await db.deleteFrom('sites').where('id', '=', site('a').id).execute()
  await db.updateTable('sites').set({ name: 'A' }).where('id', '=', site('a').id).returning('id').execute()
  expect(versions()).toEqual({})
  await db.insertInto('sites').values(site('a')).returning('id').execute()
  expect(versions()).toEqual({ inventory: 1 })
})

test('SQL by hand may have written to anything; a savepoint, and a table that nothing is kept about, to nothing', async () => {
  const { begin, versions, run } = open()
  await run("insert into settings values ('before', 'it begins')")
  expect(versions()).toEqual({})
  begin()
  for (const text of ['select 1', 'savepoint a', 'release savepoint a', 'pragma user_version']) await run(text)
  expect(versions()).toEqual({})
  await run("  INSERT into settings values ('a', 'b')")
  expect(versions()).toEqual({ inventory: 1, series: 1, alerts: 1, service: 1, access: 1 })
})
