import { copyFile, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { batchOf, openSmallLog, readAll, type TempFolder, tempFolder, topicsOf } from './harness.ts'

const sealBytes = 48

describe('opening a log after a crash', () => {
  let folder: TempFolder
  beforeEach(async () => {
    folder = await tempFolder()
  })
  afterEach(() => folder.remove())

  const files = async (): Promise<string[]> =>
    (await readdir(folder.path))
      .filter((name) => name.endsWith('.log'))
      .sort()
      .map((name) => join(folder.path, name))

  /** Writes batches one commit each and closes; the positions behind them. */
  const write = async (topics: readonly string[], payloadBytes = 20): Promise<number[]> => {
    const log = await openSmallLog(folder.path)
    const ends: number[] = []
    for (const topic of topics) ends.push(await log.append(batchOf([topic], payloadBytes)))
    await log.close()
    return ends
  }

  const file = async (index: number): Promise<string> => {
    const path = (await files()).at(index)
    if (path === undefined) throw new Error(`no log file ${index}`)
    return path
  }

  it('cuts off a last commit that was written in part, wherever it was cut', async () => {
    const [, before = 0, end = 0] = await write(['a', 'b', 'torn'])
    const path = await file(0)
    await copyFile(path, join(folder.path, 'whole'))
    for (let bytes = before; bytes < end; bytes++) {
      await copyFile(join(folder.path, 'whole'), path)
      await truncate(path, bytes)
      const log = await openSmallLog(folder.path)
      expect(log.tornBytes).toBe(bytes - before)
      expect(log.stats().durable).toBe(before)
      expect(await topicsOf(log)).toEqual(['a', 'b'])
      await log.append(batchOf(['c']))
      await log.close()
      const again = await openSmallLog(folder.path)
      expect(again.tornBytes).toBe(0)
      expect(await topicsOf(again)).toEqual(['a', 'b', 'c'])
      await again.close()
    }
  })

  it('cuts off a last commit of which any bytes never reached the disk', async () => {
    const [, before = 0, end = 0] = await write(['a', 'b', 'torn'])
    const path = await file(0)
    const whole = await readFile(path)
    for (let at = before; at < end; at++) {
      const damaged = Buffer.from(whole)
      damaged[at] = (damaged[at] ?? 0) ^ 0x5a
      await writeFile(path, damaged)
      const log = await openSmallLog(folder.path)
      expect(await topicsOf(log)).toEqual(['a', 'b'])
      await log.close()
    }
  })

  it('cuts off a tail of anything at all', async () => {
    await write(['a', 'b'])
    const path = await file(0)
    const whole = await readFile(path)
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (tail) => {
        await writeFile(path, Buffer.concat([whole, tail]))
        const log = await openSmallLog(folder.path)
        try {
          expect(log.tornBytes).toBe(tail.length)
          expect(await topicsOf(log)).toEqual(['a', 'b'])
        } finally {
          await log.close()
        }
      }),
      { numRuns: 100 },
    )
  })

  it('never skips a damaged commit that has whole ones behind it', async () => {
    const [first = 0, second = 0] = await write(['a', 'b', 'c'])
    const path = await file(0)
    const whole = await readFile(path)
    for (let at = first; at < second; at++) {
      const damaged = Buffer.from(whole)
      damaged[at] = (damaged[at] ?? 0) ^ 0x5a
      await writeFile(path, damaged)
      await expect(openSmallLog(folder.path)).rejects.toMatchObject({ code: 'log_failed' })
      await expect(openSmallLog(folder.path)).rejects.toThrow(`${path} at byte ${first}`)
    }
  })

  it('says which file is damaged when an older one is read', async () => {
    await write(
      Array.from({ length: 12 }, (_, i) => `t/${i}`),
      4000,
    )
    const path = await file(0)
    const bytes = await readFile(path)
    bytes[sealBytes + 100] = 0
    await writeFile(path, bytes)
    const log = await openSmallLog(folder.path)
    await expect(readAll(log, 0)).rejects.toThrow(`${path} at byte 0`)
    await log.close()
  })

  it('refuses to open when a file is missing or shorter than the next one says', async () => {
    await write(
      Array.from({ length: 12 }, (_, i) => `t/${i}`),
      4000,
    )
    const second = await file(1)
    const { size } = await stat(second)
    await truncate(second, size - 1)
    await expect(openSmallLog(folder.path)).rejects.toThrow(second)
    await rm(second)
    await expect(openSmallLog(folder.path)).rejects.toMatchObject({ code: 'log_failed' })
  })

  it('knows the newest received time when the newest file was torn to nothing', async () => {
    const ends = await write(['a', 'b', 'c', 'd', 'e'], 4000)
    const newest = await file(-1)
    expect((await files()).length).toBeGreaterThan(1)
    await truncate(newest, 10)
    const log = await openSmallLog(folder.path)
    expect(log.lastReceivedMs).toBe(1000)
    const { durable } = log.stats()
    expect(ends).toContain(durable)
    await log.append(batchOf(['z']))
    expect((await topicsOf(log, durable)).at(0)).toBe('z')
    await log.close()
  })

  it('leaves files alone that are not its own', async () => {
    await writeFile(join(folder.path, 'notes.txt'), 'mine')
    await write(['a'])
    const log = await openSmallLog(folder.path)
    expect(await topicsOf(log)).toEqual(['a'])
    await log.close()
    expect(await readFile(join(folder.path, 'notes.txt'), 'utf8')).toBe('mine')
  })
})

describe('a log on a disk that other stores fill too', () => {
  let folder: TempFolder
  beforeEach(async () => {
    folder = await tempFolder()
  })
  afterEach(() => folder.remove())

  it('leaves the reserve to the others and goes on when there is room again', async () => {
    let freeBytes = 10_000
    const log = await openSmallLog(folder.path, { reserveBytes: 5000 }, { freeDisk: async () => freeBytes })
    await log.append(batchOf(['a'], 100))
    await expect(log.append(batchOf(['b'], 6000))).rejects.toMatchObject({ code: 'log_full', retryable: true })
    expect(log.stats().full).toBe(true)
    freeBytes = 1_000_000
    await log.waitForRoom(new AbortController().signal)
    await log.append(batchOf(['b'], 6000))
    expect(await topicsOf(log)).toEqual(['a', 'b'])
    await log.close()
  })

  it('refuses together what was appended together, so that nothing overtakes', async () => {
    const log = await openSmallLog(folder.path, { reserveBytes: 5000 }, { freeDisk: async () => 10_000 })
    const results = await Promise.allSettled([
      log.append(batchOf(['a'], 100)),
      log.append(batchOf(['large'], 6000)),
      log.append(batchOf(['small'], 100)),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
    expect(await topicsOf(log)).toEqual(['a'])
    await log.close()
  })
})
