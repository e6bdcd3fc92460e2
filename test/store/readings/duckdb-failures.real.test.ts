import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AppError, isAppError } from '../../../model/index.ts'
import { startChild } from '../../setup/child.ts'
import { describeUnless } from '../../setup/require-tool.ts'
import { batchOf } from './catalog.ts'
import { deterministicBatch, deterministicCatalog } from './deterministic.ts'
import { createDuckdbPlace, type DuckdbPlace } from './duckdb-place.ts'

const catalog = deterministicCatalog()
const all = { fromMs: 0, toMs: 1e15, limit: 1e6 }

async function refusal(promise: Promise<unknown>): Promise<AppError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!isAppError(error)) throw new Error('expected an AppError', { cause: error })
  return error
}

describe('DuckDB readings that cannot be opened', () => {
  let place: DuckdbPlace

  beforeEach(async () => {
    place = await createDuckdbPlace()
  })
  afterEach(() => place.remove())

  test('say that a file is none of theirs, and leave it alone', async () => {
    await writeFile(place.path, 'these are not readings')
    const store = place.create(catalog)
    expect(await refusal(store.open())).toMatchObject({ code: 'store_failed', retryable: false })
    expect(await readFile(place.path, 'utf8')).toBe('these are not readings')
    await store.close()
  })

  test('say that a newer version made the file', async () => {
    const instance = await DuckDBInstance.create(place.path)
    const connection = await instance.connect()
    await connection.run('CREATE TABLE store AS SELECT 99 AS schema_version')
    connection.closeSync()
    instance.closeSync()
    const store = place.create(catalog)
    expect(await refusal(store.open())).toMatchObject({ code: 'store_failed', message: expect.stringContaining('99') })
    await store.close()
  })

  test('are worth a retry while another process has the file', async () => {
    const program = fileURLToPath(new URL('./writing-child.ts', import.meta.url))
    const other = startChild(process.execPath, [program, place.path])
    await other.waitFor((line) => (line.startsWith('stored') ? line : undefined), 60_000)
    const store = place.create(catalog)
    expect(await refusal(store.open())).toMatchObject({ code: 'store_unavailable', retryable: true })
    await other.kill('SIGKILL')
    expect((await store.open()).position).toBeGreaterThan(0)
    await store.close()
  })

  test('say that the folder cannot be made', async () => {
    await writeFile(place.path, '')
    const store = place.create(catalog, { path: join(place.path, 'below-a-file', 'readings.duckdb') })
    expect(await refusal(store.open())).toMatchObject({ code: 'store_failed', retryable: false })
    await store.close()
  })

  test('refuse queries before they were opened', async () => {
    const store = place.create(catalog)
    expect(await refusal(store.stats())).toMatchObject({ code: 'closed' })
    await store.close()
  })
})

describe('DuckDB readings under many queries', () => {
  test('refuse those that would wait beyond the bound, and answer the others', async () => {
    const place = await createDuckdbPlace()
    const store = place.create(catalog, { readers: 1, maxWaitingQueries: 2 })
    try {
      await store.open()
      await store.write(deterministicBatch(1), 1)
      // Of their own, that is: those alike wait together, as one.
      const asked = Array.from({ length: 5 }, (_, i) => store.range({ seriesId: 1, ...all, fromMs: i }))
      const outcomes = await Promise.allSettled(asked)
      expect(outcomes.map(({ status }) => status)).toEqual([
        ...['fulfilled', 'fulfilled', 'fulfilled'],
        ...['rejected', 'rejected'],
      ])
      expect(await refusal(asked[4] ?? Promise.resolve())).toMatchObject({ code: 'store_unavailable', retryable: true })
    } finally {
      await store.close()
      await place.remove()
    }
  })

  test('let go of those that wait when they are closed', async () => {
    const place = await createDuckdbPlace()
    const store = place.create(catalog, { readers: 1 })
    await store.open()
    await store.write(deterministicBatch(1), 1)
    const asked = Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => store.range({ seriesId: 1, ...all, fromMs: i })),
    )
    await store.close()
    for (const outcome of await asked)
      if (outcome.status === 'rejected') expect(['closed', 'aborted']).toContain(outcome.reason.code)
    await place.remove()
  })
})

describe('DuckDB readings', () => {
  test('are the same after their days were rewritten, and take late readings of those days', async () => {
    const place = await createDuckdbPlace()
    const store = place.create(catalog)
    try {
      await store.open()
      for (let n = 1; n <= 8; n++) await store.write(deterministicBatch(n), n)
      const seen = async () => [
        await store.range({ seriesId: 1, ...all }),
        await store.range({ seriesId: 98, ...all }),
        await store.latest(Int32Array.of(1, 50, 98)),
        (await store.stats()).readings,
      ]
      const before = await seen()
      const dayMs = 86_400_000
      expect(await store.compact(1_772_323_200_000)).toBe((await store.stats()).rows)
      expect(await store.compact(1_772_323_200_000 + dayMs)).toBe(0)
      expect(await store.compact(1_772_323_200_000)).toBe((await store.stats()).rows)
      expect(await seen()).toEqual(before)
      await store.write(deterministicBatch(7), 9)
      expect(await seen()).toEqual(before)
      await store.write(batchOf({ series: 1, at: 1_772_323_200_001, value: 5 }), 10)
      expect((await store.range({ seriesId: 1, ...all })).values[1]).toBe(5)
    } finally {
      await store.close()
      await place.remove()
    }
  })
})

function mountSmallDisk(): string {
  const path = mkdtempSync(join(tmpdir(), 'pelbiot-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'pelbiot-test', path], { stdio: 'pipe' })
  } catch (error) {
    rmSync(path, { recursive: true })
    throw error
  }
  return path
}

function unmount(path: string): void {
  execFileSync('umount', [path], { stdio: 'pipe' })
  rmSync(path, { recursive: true })
}

function whyNoSmallDisk(): string | undefined {
  try {
    unmount(mountSmallDisk())
    return undefined
  } catch {
    return 'mounting a small file system is not permitted here'
  }
}

describeUnless(whyNoSmallDisk(), 'DuckDB readings on a disk that fills up', () => {
  // In the write-ahead log, whose commit fails; and in a checkpoint, which DuckDB survives only by opening the file anew.
  test.each([{ checkpointMb: 64 }, { checkpointMb: 1 }])(
    'lose nothing ($checkpointMb MB until a checkpoint)',
    async (config) => {
      const disk = mountSmallDisk()
      const place = await createDuckdbPlace()
      const store = place.create(catalog, { ...config, path: join(disk, 'readings.duckdb') })
      const complete = place.create(catalog)
      try {
        await writeFile(join(disk, 'ballast'), Buffer.alloc(13 * 1024 * 1024))
        await store.open()
        await complete.open()
        let failures = 0
        let batches = 0
        for (let n = 1; failures === 0 || n <= batches + 5; n++) {
          for (;;) {
            const error = await store.write(deterministicBatch(n), n).then(
              () => undefined,
              (reason: unknown) => reason,
            )
            if (error === undefined) break
            expect(error).toMatchObject({ code: 'store_unavailable', retryable: true })
            if (failures++ === 0) batches = n
            expect((await store.range({ seriesId: 1, ...all })).values.length).toBeGreaterThan(0)
            if (failures === 3) await rm(join(disk, 'ballast'))
          }
          await complete.write(deterministicBatch(n), n)
        }
        expect((await store.stats()).readings).toBe((await complete.stats()).readings)
        for (const seriesId of [1, 2, 50, 99])
          expect(await store.range({ seriesId, ...all })).toEqual(await complete.range({ seriesId, ...all }))
      } finally {
        await store.close()
        await complete.close()
        await place.remove()
        unmount(disk)
      }
    },
  )
})
