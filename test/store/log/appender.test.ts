import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { AppError, frameKind, isAppError } from '../../../model/index.ts'
import {
  type AppendFrame,
  type AppendTarget,
  createLogAppender,
  type LogAppender,
  type LogAppenderConfig,
  type LogPosition,
  type SegmentLog,
  type SegmentLogDeps,
} from '../../../store/log/index.ts'
import { openSmallLog, readAll, type TempFolder, tempFolder, topicsOf, until } from './harness.ts'

const noBytes = new Uint8Array(0)

function message(topic: string, payloadBytes = 10): AppendFrame {
  const payload = new Uint8Array(payloadBytes)
  return { kind: frameKind.message, flags: 1, packetId: 1, session: 1, origin: noBytes, topic, payload }
}

describe('LogAppender', () => {
  let folder: TempFolder
  let log: SegmentLog
  let appender: LogAppender
  let nowMs: number
  let freeBytes: number
  let failures: Error[]
  const owner = { closed: false }

  const deps: SegmentLogDeps = { freeDisk: async () => freeBytes }

  const create = (config: LogAppenderConfig = {}): void => {
    const onFailure = (error: Error): void => {
      failures.push(error)
    }
    appender = createLogAppender(log, { clock: { now: () => nowMs }, onFailure }, config)
  }

  beforeEach(async () => {
    nowMs = 1000
    freeBytes = 1_000_000_000
    failures = []
    folder = await tempFolder()
    log = await openSmallLog(folder.path, {}, deps)
    create()
  })
  afterEach(async () => {
    vi.useRealTimers()
    await appender.stop()
    await log.close()
    await folder.remove()
  })

  const append = (frame: AppendFrame, by = owner): Promise<number> =>
    new Promise((resolve, reject) => {
      appender.append(frame, by, (error, position) => (error ? reject(error) : resolve(position)))
    })

  it('tells each frame its position, in order, once it is readable', async () => {
    const told: number[] = []
    const all = Array.from({ length: 500 }, async (_, i) => {
      const position = await append(message(`t/${i}`))
      told.push(i)
      return position
    })
    const positions = await Promise.all(all)
    expect(told).toEqual(positions.map((_, i) => i))
    const seen = await readAll(log, 0)
    expect(seen.map(({ position }) => position)).toEqual(positions)
    expect(seen.map(({ topic }) => topic)).toEqual(positions.map((_, i) => `t/${i}`))
    expect(appender.waitingBytes).toBe(0)
  })

  it('puts what one turn of the event loop brings into one commit', async () => {
    await Promise.all(Array.from({ length: 100 }, (_, i) => append(message(`t/${i}`))))
    expect(log.stats().commits).toBe(1)
  })

  it('writes what callbacks append in turn', async () => {
    const last = new Promise<void>((resolve) => {
      const next = (left: number): void => {
        appender.append(message(`t/${left}`), owner, () => (left === 0 ? resolve() : next(left - 1)))
      }
      next(20)
    })
    await last
    expect((await topicsOf(log)).length).toBe(21)
  })

  it('copies the frame before it returns', async () => {
    const payload = new Uint8Array(10)
    const done = append({ ...message('a'), payload })
    payload.fill(0xff)
    await done
    const { bytes } = await log.read(0, 1000)
    expect(bytes.at(-1)).toBe(0)
  })

  it('stamps a received time that never decreases, over a clock set back and over a restart', async () => {
    nowMs = 5000
    await append(message('a'))
    nowMs = 4000
    await append(message('b'))
    await appender.stop()
    await log.close()
    log = await openSmallLog(folder.path, {}, deps)
    create()
    expect(appender.lastReceivedMs).toBe(5000)
    await append(message('c'))
    nowMs = 6000
    await append(message('d'))
    expect((await readAll(log, 0)).map(({ receivedMs }) => receivedMs)).toEqual([5000, 5000, 5000, 6000])
  })

  it('refuses a topic that does not fit a frame and goes on', async () => {
    await expect(append(message('x'.repeat(70_000)))).rejects.toMatchObject({ code: 'too_large' })
    await append(message('b'))
    expect(await topicsOf(log)).toEqual(['b'])
    expect(appender.waitingBytes).toBe(0)
  })

  it('refuses a frame that the log could never take, and only that one', async () => {
    const results = await Promise.allSettled([
      append(message('a')),
      append(message('giant', 5_000_000)),
      append(message('b')),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(await topicsOf(log)).toEqual(['a', 'b'])
  })

  it('writes a tick after a silence, and again', async () => {
    create({ tickMs: 5 })
    appender.start()
    await until(() => log.stats().commits >= 2)
    const { bytes } = await log.read(0, 100_000)
    expect(bytes[48 + 4]).toBe(frameKind.tick)
  })

  it('lets frames wait while the log is full, releases those whose owner has gone, and goes on in order', async () => {
    freeBytes = 0
    const leaver = { closed: false }
    const a = append(message('a'))
    const b = append(message('b', 3000), leaver)
    const released = expect(b).rejects.toMatchObject({ code: 'closed' })
    await until(() => appender.full)
    const c = append(message('c'))
    const d = append(message('d'), leaver)
    const releasedToo = expect(d).rejects.toMatchObject({ code: 'closed' })
    expect(await topicsOf(log)).toEqual([])
    leaver.closed = true
    freeBytes = 1_000_000_000
    await Promise.all([a, c, released, releasedToo])
    expect(appender.full).toBe(false)
    expect(appender.waitingBytes).toBe(0)
    expect(await topicsOf(log)).toEqual(['a', 'c'])
  })

  it('releases the frames of owners who have gone also while the log stays full, and writes no ticks', async () => {
    create({ tickMs: 5 })
    appender.start()
    freeBytes = 0
    const leaver = { closed: false }
    const stays = append(message('stays'))
    const leaves = append(message('leaves', 5000), leaver)
    await until(() => appender.full)
    const before = appender.waitingBytes
    leaver.closed = true
    await expect(leaves).rejects.toMatchObject({ code: 'closed' })
    expect(appender.waitingBytes).toBeLessThan(before - 5000)
    expect(log.stats().full).toBe(true)
    freeBytes = 1_000_000_000
    await stays
    expect((await topicsOf(log))[0]).toBe('stays')
  })

  it('refuses frames beyond the bytes that may wait', async () => {
    create({ waitingBytesMax: 10_000 })
    freeBytes = 0
    const first = append(message('a', 6000))
    await until(() => appender.full)
    await expect(append(message('b', 6000))).rejects.toMatchObject({ code: 'log_full', retryable: true })
    expect(appender.waitingBytes).toBeLessThanOrEqual(10_000)
    freeBytes = 1_000_000_000
    await first
    await append(message('c', 6000))
    expect(await topicsOf(log)).toEqual(['a', 'c'])
  })

  it('never tells an owner of a later frame before an earlier one, whatever is refused', async () => {
    create({ waitingBytesMax: 1_000 })
    const told: string[] = []
    for (const [i, bytes] of [100, 5_000, 900, 100].entries()) {
      const tell = (error?: Error): void => void told.push(`${i} ${isAppError(error) ? error.code : 'written'}`)
      try {
        appender.append(message(`${i}`, bytes), owner, tell)
      } catch (error) {
        told.push(`${i} not taken: ${isAppError(error) ? error.code : error}`)
      }
    }
    await until(() => told.length === 4)
    expect(told).toEqual(['1 not taken: too_large', '2 not taken: log_full', '0 written', '3 written'])
    expect(await topicsOf(log)).toEqual(['0', '3'])
  })

  it('does not take frames while it stops, and says so at once', async () => {
    const told: string[] = []
    appender.append(message('a'), owner, () => told.push('a'))
    const stopped = appender.stop()
    expect(() => appender.append(message('b'), owner, () => told.push('b'))).toThrow(
      expect.objectContaining({ code: 'closed' }),
    )
    expect(told).toEqual([])
    await stopped
    expect(told).toEqual(['a'])
  })

  it('releases nothing of an owner who has gone while an earlier frame of his is being written', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const writes: ((end: LogPosition) => void)[] = []
    let isFull = true
    const disk: AppendTarget = {
      lastReceivedMs: 0,
      append: () => {
        if (isFull) return Promise.reject(new AppError('log_full', 'append 1 frame to log: no room'))
        return new Promise((resolve) => writes.push(resolve))
      },
      waitForRoom: async () => {
        isFull = false
      },
    }
    appender = createLogAppender(disk, { clock: { now: () => nowMs }, onFailure: () => {} }, { tickMs: 1_000 })
    appender.start()
    const told: string[] = []
    const leaver = { closed: false }
    const tell = (name: string) => (error?: Error) => void told.push(`${name} ${error ? 'refused' : 'written'}`)
    appender.append(message('a'), leaver, tell('a'))
    while (writes.length === 0) await new Promise(setImmediate)
    expect(appender.full).toBe(true)
    appender.append(message('b'), leaver, tell('b'))
    leaver.closed = true
    vi.advanceTimersByTime(3_000)
    expect(told).toEqual([])
    for (let written = 0; told.length < 2; await new Promise(setImmediate)) writes.shift()?.(++written * 1_000)
    expect(told).toEqual(['a written', 'b written'])
  })

  it('flushes when it stops, and refuses afterwards', async () => {
    const a = append(message('a'))
    const b = append(message('b'))
    expect(await appender.stop()).toEqual({ unwritten: 0 })
    await Promise.all([a, b])
    await expect(append(message('c'))).rejects.toMatchObject({ code: 'closed' })
    expect(await topicsOf(log)).toEqual(['a', 'b'])
  })

  it('counts at its stop what a full log could not take', async () => {
    freeBytes = 0
    const refused = [append(message('a')), append(message('b'))].map((promise) =>
      expect(promise).rejects.toMatchObject({ code: 'closed' }),
    )
    await until(() => appender.full)
    expect(await appender.stop()).toEqual({ unwritten: 2 })
    await Promise.all(refused)
  })

  it('passes a failed disk on to every frame, at once and for ever, and reports it once', async () => {
    const cause = new Error('the disk has gone')
    await log.close()
    log = await openSmallLog(folder.path, {}, { freeDisk: () => Promise.reject(cause) })
    create()
    const refused = [append(message('a')), append(message('b'))].map((promise) =>
      expect(promise).rejects.toMatchObject({ code: 'log_failed', cause }),
    )
    await Promise.all(refused)
    await expect(append(message('c'))).rejects.toMatchObject({ code: 'log_failed' })
    expect(failures.length).toBe(1)
    expect(await topicsOf(log)).toEqual([])
  })
})
