import { expect, test } from 'vitest'
import { storeError } from '../../../store/readings/duckdb/errors.ts'

test.each([
  [
    'IO Error: Could not set lock on file "/data/readings.duckdb"',
    'store_unavailable',
    'somebody else uses the database',
  ],
  [
    'IO Error: Could not write file "/data/readings.duckdb": No space left on device',
    'store_unavailable',
    'the database has no room on the disk or in memory',
  ],
  [
    'Out of Memory Error: failed to allocate 16 MB',
    'store_unavailable',
    'the database has no room on the disk or in memory',
  ],
  ['FATAL Error: "/data/readings.duckdb" has been invalidated', 'store_unavailable', 'the database is opened again'],
  ['Parser Error: syntax error at "SELECT secret"', 'store_failed', 'the database failed'],
])('%s is a %s, and nobody but the log is told the file or the statement', (says, code, told) => {
  const error = storeError('read readings', new Error(says))
  expect(error).toMatchObject({ code, message: `read readings failed: ${says}` })
  expect(error.publicText).toBe(`read readings failed: ${told}`)
})
