import { expect, test } from 'vitest'
import { type ReadingTable, widestTable } from '../../../store/readings/duckdb/tables.ts'

test('a table that became wider while questions waited is asked for the columns of all of them', () => {
  const before: ReadingTable = { index: 1, name: 'wide_1', keyName: 'device', columns: ['v0_power'] }
  const after: ReadingTable = { ...before, columns: ['v0_power', 'v1_voltage'] }
  const slots = [
    { table: before, key: 1, column: 0 },
    { table: after, key: 1, column: 1 },
    { table: before, key: 2, column: 0 },
  ]
  expect(widestTable(slots)).toBe(after)
  expect(widestTable([])).toBeUndefined()
})
