import { DatabaseSync } from 'node:sqlite'
import { Kysely } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { auditHash } from '../../../store/state/audit/chain.ts'
import {
  type AuditRecord,
  openMigrator,
  openState,
  platformActor,
  type TimeCursor,
} from '../../../store/state/index.ts'
import { auditQueries } from '../../../store/state/repositories/audit.ts'
import type { StateSchema } from '../../../store/state/schema.ts'
import { createSqliteDialect } from '../../../store/state/sqlite/dialect.ts'
import { verdictOf } from './conformance/audit.ts'
import { createTestClock, site, walk } from './harness.ts'
import { createSqlitePlace, deps, type SqlitePlace } from './sqlite-place.ts'

let place: SqlitePlace
beforeEach(async () => {
  place = await createSqlitePlace()
})
afterEach(() => place.dispose())

/** Ten rows: the sites s1 to s10 are made. */
async function writeRows(): Promise<void> {
  const state = await openState(place.config, deps)
  for (let i = 1; i <= 10; i++) await state.change(platformActor, (unit) => unit.sites.create(site(`s${i}`)))
  await state.close()
}

function withDatabase<Result>(work: (database: DatabaseSync) => Result): Result {
  const database = new DatabaseSync(place.config.file)
  try {
    return work(database)
  } finally {
    database.close()
  }
}

const dropTriggers = `drop trigger audit_insert; drop trigger audit_update; drop trigger audit_delete;
  drop trigger audit_anchor_update;`

/** As somebody would who has the file and knows what stands in the way. */
function tamper(sql: string): void {
  withDatabase((database) => database.exec(`${dropTriggers} ${sql}`))
}

async function verify(comparison: Parameters<typeof verdictOf>[1] = {}) {
  const state = await openState({ ...place.config, migrate: false }, deps)
  try {
    return await verdictOf(state, comparison)
  } finally {
    await state.close()
  }
}

describe('the database itself', () => {
  test.each([
    ['changes no row', "update audit set after = 'x' where id = 3"],
    [
      'changes no row on a conflict',
      "insert into audit select * from audit where id = 3 on conflict do update set after = 'x'",
    ],
    ['removes no row', 'delete from audit where id = 3'],
    ['removes none of all', 'delete from audit'],
    ['replaces no row', 'insert or replace into audit select * from audit where id = 3'],
    ['replaces no row by an update', 'update or replace audit set id = 4 where id = 3'],
    ['takes no row in between', `${copyOf(10)} set id = 0; insert into audit select * from copy`],
    [
      'takes no row that follows another',
      `${copyOf(9)} set id = 11, hash = '${'a'.repeat(64)}'; insert into audit select * from copy`,
    ],
    [
      'takes no row without a hash',
      `${copyOf(10)} set id = 11, previous_hash = hash, hash = ''; insert into audit select * from copy`,
    ],
    ['moves no anchor onto what is not there', "update audit_anchor set through_id = 5, hash = 'x'"],
    ['removes no anchor', 'delete from audit_anchor'],
    ['takes no second anchor', 'insert into audit_anchor select * from audit_anchor'],
  ])('%s', async (_, statements) => {
    await writeRows()
    const refused = () => withDatabase((database) => database.exec(statements))
    expect(refused).toThrow(/the audit log|the anchor of the audit log/)
    expect(await verify()).toMatchObject({ checked: 10, fault: null })
  })

  test('moves no anchor back', async () => {
    await writeRows()
    withDatabase((database) => {
      database.exec('update audit_anchor set through_id = 5, hash = (select hash from audit where id = 5)')
      const back = 'update audit_anchor set through_id = 4, hash = (select hash from audit where id = 4)'
      expect(() => database.exec(back)).toThrow(/moves forward/)
    })
  })
})

function copyOf(id: number): string {
  return `create temp table copy as select * from audit where id = ${id}; update copy`
}

describe('the verification of the audit log finds', () => {
  const swap = (a: number, b: number) =>
    `update audit set id = -1 where id = ${a}; update audit set id = ${a} where id = ${b}; update audit set id = ${b} where id = -1;`
  const moveUp = (from: number) =>
    `update audit set id = -id where id >= ${from}; update audit set id = 1 - id where id < 0; update counters set value = 11 where name = 'audit';`
  const moveDown = (from: number) =>
    `update audit set id = -id where id >= ${from}; update audit set id = -id - 1 where id < 0; update counters set value = 9 where name = 'audit';`
  const bogus = 'b'.repeat(64)

  test.each([
    ['a row whose text was changed', "update audit set after = replace(after, 's4', 's5') where id = 4", 'changed', 4],
    ['a row whose author was changed', "update audit set principal_id = 'budi' where id = 1", 'changed', 1],
    ['a row whose time was changed', 'update audit set time_ms = time_ms - 1 where id = 10', 'changed', 10],
    ['a row whose hash was changed', `update audit set hash = '${bogus}' where id = 5`, 'changed', 5],
    [
      'a row whose hash of the one before was changed',
      `update audit set previous_hash = '${bogus}' where id = 5`,
      'changed',
      5,
    ],
    ['a row that is gone', 'delete from audit where id = 6', 'missing', 6],
    ['several rows that are gone', 'delete from audit where id in (3, 4, 8)', 'missing', 3],
    ['the first row gone', 'delete from audit where id = 1', 'missing', 1],
    ['the newest rows gone', 'delete from audit where id > 7', 'missing', 8],
    ['every row gone', 'delete from audit', 'missing', 1],
    ['a row that is gone, and the numbers closed up', `delete from audit where id = 6; ${moveDown(7)}`, 'missing', 6],
    ['two rows that changed places', swap(5, 6), 'reordered', 5],
    ['two rows far apart that changed places', swap(2, 9), 'reordered', 2],
    ['the newest row at the beginning', 'update audit set id = 0 where id = 10', 'reordered', 0],
    ['a row with another number', 'update audit set id = 12 where id = 10', 'changed', 12],
    [
      'a row put between',
      `${moveUp(5)} ${copyOf(4)} set id = 5, previous_hash = hash, hash = '${bogus}'; insert into audit select * from copy`,
      'inserted',
      5,
    ],
    [
      'a row put at the end',
      `${copyOf(10)} set id = 11, previous_hash = '${bogus}', hash = '${bogus}'; insert into audit select * from copy`,
      'inserted',
      11,
    ],
    [
      'an anchor that no retention set',
      'update audit_anchor set through_id = 3, hash = (select hash from audit where id = 3); delete from audit where id <= 3',
      'missing',
      1,
    ],
  ])('%s', async (_, sql, what, id) => {
    await writeRows()
    tamper(sql)
    const verdict = await verify()
    expect(verdict.fault).toMatchObject({ what, id })
    expect(verdict.fault?.detail).toMatch(/^[a-z].{10,}[^.]$/)
    if (what !== 'missing' || id !== 1) expect(verdict.checked).toBeGreaterThanOrEqual(Math.min(id, 10) - 1)
  })

  test('a row put between that carries a hash as it should be', async () => {
    await writeRows()
    tamper(moveUp(5))
    withDatabase((database) => forge(database, 4, 5))
    expect((await verify()).fault).toMatchObject({ what: 'inserted', id: 5 })
  })

  test('a row put at the end that carries a hash as it should be, unless its number was taken as well', async () => {
    await writeRows()
    tamper('')
    withDatabase((database) => forge(database, 10, 11))
    expect((await verify()).fault).toMatchObject({ what: 'inserted', id: 11 })
  })

  test('by what was written down, that the end was cut off with every trace, or all was computed anew', async () => {
    await writeRows()
    const { head } = await verify()
    tamper("delete from audit where id > 8; update counters set value = 8 where name = 'audit'")
    expect(await verify()).toMatchObject({ fault: null })
    expect((await verify({ recorded: [head] })).fault).toMatchObject({ what: 'missing', id: 9 })
    expect((await verify({ expected: head.hash })).fault).toMatchObject({ what: 'missing', id: null })

    const { head: eighth } = await verify()
    withDatabase((database) => {
      database.exec("update audit set principal_id = 'budi' where id = 2")
      rechain(database)
    })
    expect(await verify()).toMatchObject({ fault: null })
    expect((await verify({ recorded: [eighth] })).fault).toMatchObject({ what: 'changed', id: 8 })
    expect((await verify({ expected: eighth.hash })).fault).toMatchObject({ what: 'missing', id: null })
  })
})

type Row = StateSchema['audit']

function rowsIn(database: DatabaseSync): Row[] {
  return database.prepare('select * from audit order by id').all() as unknown as Row[]
}

/** A row of its own making behind row `after`, whose hash is right. */
function forge(database: DatabaseSync, after: number, id: number): void {
  const row = rowsIn(database).find((one) => one.id === after)
  if (row === undefined) throw new Error(`no row ${after}`)
  const forged = { ...row, id, previous_hash: row.hash, principal_id: 'forger' }
  const values = Object.values({ ...forged, hash: auditHash(forged.previous_hash, forged) })
  database.prepare(`insert into audit values (${values.map(() => '?').join(', ')})`).run(...values)
}

function rechain(database: DatabaseSync): void {
  let previous = '0'.repeat(64)
  const update = database.prepare('update audit set previous_hash = ?, hash = ? where id = ?')
  for (const row of rowsIn(database)) {
    const hash = auditHash(previous, row)
    update.run(previous, hash, row.id)
    previous = hash
  }
}

test('the hash is what docs/audit.md says, for all time', () => {
  const row = {
    time_ms: 1_795_428_000_000,
    principal_kind: 'key',
    principal_id: 'k2v7dq5n3wxy',
    action: 'device.update',
    resource_type: 'device',
    resource_id: 'meter-1',
    site_id: null,
    before: '{"name":"Pump"}',
    after: '{"name":"Größe \\"2\\""}',
    request_id: null,
    address: '127.0.0.1',
  } as const
  expect(auditHash('0'.repeat(64), row)).toBe('e342e00486aba74e1cdd08ae0d29d7c0fd876d34468f7d7d1304a77b537f5e20')
})

test('rows from before there was a chain are chained, and taken back the log is what it was', async () => {
  const clock = createTestClock()
  const migrator = openMigrator(place.config, clock)
  await migrator.up()
  await migrator.down(2)
  const old = withDatabase((database) => {
    const insert = database.prepare('insert into audit values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
    database.exec('begin')
    for (let id = 1; id <= 2_500; id++)
      insert.run(id, id, 'key', 'ani', 'site.create', 'site', `s${id}`, null, null, '{"n":1}', null, null)
    database.exec("insert into counters values ('audit', 2500)")
    database.exec('commit')
    return rowsIn(database)
  })
  await migrator.up()
  expect(await verify()).toMatchObject({ checked: 2_500, fault: null, head: { id: 2_500 } })
  const state = await openState(place.config, deps)
  await state.change(platformActor, (unit) => unit.sites.create(site('new')))
  await state.close()
  expect(await verify()).toMatchObject({ checked: 2_501, fault: null })
  await migrator.down(2)
  expect(withDatabase(rowsIn).slice(0, -1)).toEqual(old)
  await migrator.up()
  expect(await verify()).toMatchObject({ checked: 2_501, fault: null })
  await migrator.close()
})

test('a search looks at so many rows at a time, and comes to the end all the same', async () => {
  await writeRows()
  const database = new DatabaseSync(place.config.file)
  const db = new Kysely<StateSchema>({ dialect: createSqliteDialect(database) })
  for (const searchRows of [1, 3, 5, 10, 11]) {
    const audit = auditQueries(db, searchRows)
    for (const limit of [1, 2, 100]) {
      const query = { scope: 'all', limit, text: '"s' } as const
      const rows = await walk<AuditRecord, TimeCursor>((after) => audit.list({ ...query, after }))
      expect(rows.map(({ id }) => id)).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1])
      const one = await walk<AuditRecord, TimeCursor>((after) => audit.list({ ...query, text: '"s2"', after }))
      expect(one.map(({ id }) => id)).toEqual([2])
    }
    const first = await audit.list({ scope: 'all', limit: 10, text: '"s2"' })
    expect(first.items).toHaveLength(searchRows < 9 ? 0 : 1)
    expect(first.next === null).toBe(searchRows > 10)
  }
  await db.destroy()
})

test('a row that is no JSON any more is shown as it is', async () => {
  await writeRows()
  tamper("update audit set after = '{scribbled' where id = 10")
  const state = await openState({ ...place.config, migrate: false }, deps)
  const [row] = (await state.audit.list({ scope: 'all', limit: 1 })).items
  expect(row?.after).toBe('{scribbled')
  await state.close()
})
