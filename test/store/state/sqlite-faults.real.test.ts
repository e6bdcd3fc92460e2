import { writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { Kysely, sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openState, platformActor } from '../../../store/state/index.ts'
import type { StateSchema } from '../../../store/state/schema.ts'
import { createSharedCommit } from '../../../store/state/shared-commit.ts'
import { createSqliteDialect } from '../../../store/state/sqlite/dialect.ts'
import { actor, createTestClock, refusal, settings, site } from './harness.ts'
import { createSqlitePlace, deps, type SqlitePlace } from './sqlite-place.ts'

let place: SqlitePlace
beforeEach(async () => {
  place = await createSqlitePlace()
})
afterEach(() => place.dispose())

test('a file that is no database is a failure that trying again does not mend', async () => {
  await writeFile(place.config.file, 'this is not a database, it is a letter to a friend'.repeat(100))
  await expect(openState(place.config, deps)).rejects.toMatchObject({ code: 'store_failed', retryable: false })
})

test('a folder that is not there, and a secret too short to be one, are refused', async () => {
  const nowhere = { ...place.config, file: `${place.config.file}/nowhere/state.db` }
  expect(await refusal(openState(nowhere, deps))).toBe('store_unavailable')
  expect(await refusal(openState({ ...place.config, tokenSecret: new Uint8Array(31) }, deps))).toBe('invalid_input')
})

test('a full disk loses the change that met it, says that it may pass, and the next one goes on', async () => {
  const database = new DatabaseSync(place.config.file)
  database.exec('pragma journal_mode = wal; create table filling (id integer primary key, text text)')
  const db = new Kysely<unknown>({ dialect: createSqliteDialect(database) })
  const insert = (size: number) =>
    db.transaction().execute(async (tx) => {
      await sql`insert into filling (text) values ('small')`.execute(tx)
      await sql`insert into filling (text) values (${'x'.repeat(size)})`.execute(tx)
    })
  database.exec('pragma max_page_count = 20')
  await expect(insert(1_000_000)).rejects.toMatchObject({ code: 'store_unavailable', retryable: true })
  const count = () => database.prepare('select count(*) as n from filling').get()?.['n']
  expect(count()).toBe(0)
  database.exec('pragma max_page_count = 1000000')
  await insert(1_000_000)
  expect(count()).toBe(2)
  await db.destroy()
})

test('changes that share a commit with one that fills the disk all fail, may all be tried again, and leave nothing', async () => {
  const state = await openState(place.config, deps)
  await state.close()
  const database = new DatabaseSync(place.config.file)
  const commit = createSharedCommit(new Kysely<StateSchema>({ dialect: createSqliteDialect(database) }))
  const set = (name: string, size: number) =>
    commit((tx) =>
      tx
        .insertInto('settings')
        .values({ name, value: 'x'.repeat(size) })
        .execute(),
    )
  const all = () => Promise.allSettled([set('a', 1), set('b', 1), set('c', 10_000_000), set('d', 1)])
  const pages = Number(database.prepare('pragma page_count').get()?.['page_count'])
  database.exec(`pragma max_page_count = ${pages + 20}`)
  const results = await all()
  expect(results.map((one) => one.status)).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected'])
  for (const one of results.slice(1))
    expect(one).toMatchObject({ reason: { code: 'store_unavailable', retryable: true } })
  const names = () =>
    database
      .prepare('select name from settings order by name')
      .all()
      .map((row) => row['name'])
  expect(names()).toEqual(['a'])
  database.exec('pragma max_page_count = 1000000')
  database.exec("delete from settings where name = 'a'")
  expect((await all()).every((one) => one.status === 'fulfilled')).toBe(true)
  expect(names()).toEqual(['a', 'b', 'c', 'd'])
  database.close()
})

test('a lock that another holds too long is a refusal that may pass', async () => {
  const patient = await openState(place.config, deps)
  const hasty = await openState({ ...place.config, migrate: false, busyTimeoutMs: 1 }, deps)
  await patient.change(platformActor, async (unit) => {
    await unit.sites.create(site('first'))
    const second = hasty.change(platformActor, (other) => other.sites.create(site('second')))
    await expect(second).rejects.toMatchObject({ code: 'store_unavailable', retryable: true })
    expect(await hasty.sites.get(site('first').id)).toBeUndefined()
  })
  await hasty.change(platformActor, (unit) => unit.sites.create(site('second')))
  expect((await patient.sites.list({ scope: 'all', limit: 10 })).items).toHaveLength(2)
  await hasty.close()
  await patient.close()
})

test('what another program scribbled into a record is noticed, not believed', async () => {
  const state = await openState(place.config, deps)
  const profile = { id: 'meter', name: 'Meter', reportingIntervalMs: 60_000, metrics: [] }
  const database = new DatabaseSync(place.config.file)
  const insert = database.prepare('insert into profiles (id, name, reporting_interval_ms, metrics) values (?, ?, ?, ?)')
  insert.run(profile.id, profile.name, profile.reportingIntervalMs, '[{"name":"voltage"}]')
  insert.run('other', profile.name, profile.reportingIntervalMs, 'not JSON')
  database.close()
  expect(await refusal(state.profiles.list({ limit: 1 }))).toBe('store_failed')
  expect(await refusal(state.profiles.list({ limit: 1, after: 'meter' }))).toBe('store_failed')
  await state.close()
})

test('another secret knows no token of this state', async () => {
  const state = await openState(place.config, deps)
  const key = { name: 'k', role: 'admin', sites: 'all', scopes: [], expiresMs: null } as const
  const { token } = await state.change(actor('ani'), (unit) => unit.credentials.issueKey(key))
  await state.close()
  const other = await openState({ ...place.config, tokenSecret: new Uint8Array(32).fill(8) }, deps)
  expect(await other.credentials.verify(token)).toBeUndefined()
  await other.close()
  const same = await place.open(createTestClock(), settings)
  expect(await same.credentials.verify(token)).toBeDefined()
  await same.close()
})

test('a change that ten thousand wait before is refused at once, and may be tried again', async () => {
  const state = await openState(place.config, deps)
  const one = () => state.change(platformActor, async () => 'done')
  const waiting = Array.from({ length: 10_001 }, one)
  await expect(one()).rejects.toMatchObject({ code: 'store_unavailable', retryable: true })
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(['done']))
  expect(await one()).toBe('done')
  await state.close()
})
