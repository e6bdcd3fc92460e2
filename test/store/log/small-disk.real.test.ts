import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SegmentLog } from '../../../store/log/index.ts'
import { batchOf, openSmallLog, readAll } from './harness.ts'

const mib = 1024 * 1024

function mountSmallDisk(): string {
  const path = mkdtempSync(join(tmpdir(), 'pelbiot-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'pelbiot-test', path], { stdio: 'pipe' })
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

function whyNot(): string | undefined {
  try {
    unmount(mountSmallDisk())
    return undefined
  } catch {
    return 'mounting a small file system is not permitted here'
  }
}

const reason = whyNot()

describe.skipIf(reason !== undefined)(`a log on a disk that fills up${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let disk: string
  let folder: string
  let log: SegmentLog | undefined
  beforeEach(() => {
    disk = mountSmallDisk()
    folder = join(disk, 'log')
    mkdirSync(folder)
  })
  afterEach(async () => {
    // Also after a failed test: an open file would keep the disk mounted.
    await log?.close()
    log = undefined
    unmount(disk)
  })

  const open = async (freeBytes?: number): Promise<SegmentLog> => {
    const deps = freeBytes === undefined ? {} : { freeDisk: async () => freeBytes }
    log = await openSmallLog(folder, { maxBytes: 64 * mib, segmentBytes: mib }, deps)
    return log
  }

  // Once by looking at the free bytes beforehand, once by the system's ENOSPC in the middle of a write.
  for (const [how, freeBytes] of [
    ['foreseen', undefined],
    ['met in a write', Number.MAX_SAFE_INTEGER],
  ] as const) {
    it(`takes nothing beyond it, keeps what it took and goes on when there is room (${how})`, async () => {
      await writeFile(join(disk, 'other-store'), Buffer.alloc(2 * mib))
      let log = await open(freeBytes)
      const taken: string[] = []
      const fill = async (prefix: string): Promise<void> => {
        for (let i = 0; ; i++) {
          const topic = `${prefix}/${i}`
          try {
            await log.append(batchOf([topic], 70_000))
            taken.push(topic)
          } catch (error) {
            expect(error).toMatchObject({ code: 'log_full', retryable: true })
            return
          }
        }
      }

      await fill('first')
      expect(taken.length).toBeGreaterThan(50)
      expect(log.stats().full).toBe(true)
      expect((await readAll(log, 0)).map(({ topic }) => topic)).toEqual(taken)

      // Room by others: the same log goes on.
      await rm(join(disk, 'other-store'))
      await log.waitForRoom(new AbortController().signal)
      const before = taken.length
      await fill('second')
      expect(taken.length).toBeGreaterThan(before + 10)

      // A full disk is no reason not to start.
      await log.close()
      log = await open(freeBytes)
      expect(log.tornBytes).toBe(0)
      const seen = await readAll(log, 0)
      expect(seen.map(({ topic }) => topic)).toEqual(taken)

      // Room by its own consumers.
      const middle = seen[Math.floor(seen.length / 2)]?.position ?? 0
      await fill('third')
      log.release('ingest', middle)
      log.release('fanout', middle)
      await log.waitForRoom(new AbortController().signal)
      await fill('fourth')
      expect(taken.some((topic) => topic.startsWith('fourth'))).toBe(true)
      const rest = (await readAll(log, middle)).map(({ topic }) => topic)
      expect(rest).toEqual(taken.slice(-rest.length))
      expect(rest.length).toBeGreaterThan(10)
    })
  }
})
