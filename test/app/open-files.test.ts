import { expect, test } from 'vitest'
import { connectionsWithin, openFilesMax } from '../../app/open-files.ts'

test('there are as many connections as are set, or as many as files are left for', () => {
  const warned: unknown[] = []
  const logger = { warn: (fields: unknown) => void warned.push(fields) }
  const within = (filesMax: number | undefined) => connectionsWithin(filesMax, { mqtt: 50_000, http: 1_024 }, logger)
  expect([within(undefined), within(1_048_576)]).toEqual([50_000, 50_000])
  expect(warned).toEqual([])
  expect(within(20_000)).toBe(16_341)
  expect(warned).toEqual([{ maxConnections: 16_341, wanted: 50_000, filesMax: 20_000 }])
  expect(within(1_024)).toBe(1)
})

test('the system says how many files there may be', () => {
  const max = openFilesMax()
  if (process.platform === 'linux') expect(max === undefined || max > 0).toBe(true)
  else expect(max).toBeUndefined()
})
