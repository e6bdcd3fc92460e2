import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LogPosition, LogReader, MessageLog } from '../../../store/log/index.ts'
import { batchOf, readAll, topicsOf } from './harness.ts'

export interface LogUnderTest {
  /** Opens the same log each time, with the consumers `ingest` and `fanout`, bounded by `maxBytes` (1 MiB). */
  open(maxBytes?: number): Promise<MessageLog>
  /** Another reader of the log opened last, whose reads are the progress of `consumer`. */
  openReader(consumer: string): LogReader
  remove(): Promise<void>
}

/** What every MessageLog promises; an adapter's test file is one line. */
export function describeMessageLog(name: string, create: () => Promise<LogUnderTest>): void {
  describe(`MessageLog: ${name}`, () => {
    let place: LogUnderTest
    let log: MessageLog
    const never = new AbortController().signal

    beforeEach(async () => {
      place = await create()
      log = await place.open()
    })
    afterEach(async () => {
      await log.close()
      await place.remove()
    })

    const reopen = async (maxBytes?: number): Promise<void> => {
      await log.close()
      log = await place.open(maxBytes)
    }

    /** Appends batches of 8 KiB until the log refuses; the positions it gave. */
    const fill = async (): Promise<LogPosition[]> => {
      const positions: LogPosition[] = []
      for (;;) {
        try {
          positions.push(await log.append(batchOf([`fill/${positions.length}`], 8000)))
        } catch (error) {
          expect(error).toMatchObject({ code: 'log_full', retryable: true })
          return positions
        }
      }
    }

    const releaseAll = (position: LogPosition): void => {
      log.release('ingest', position)
      log.release('fanout', position)
    }

    it('is empty at first', async () => {
      expect((await log.read(0, 1000)).bytes.length).toBe(0)
      expect(log.lastReceivedMs).toBe(0)
      expect(log.stats()).toMatchObject({ tail: 0, head: 0, durable: 0, bytes: 0, full: false })
    })

    it('gives back frames in the order of the appends, each at the position it was given', async () => {
      const first = await log.append(batchOf(['a', 'b']))
      const second = await log.append(batchOf(['c']))
      const seen = await readAll(log, 0)
      expect(seen.map(({ topic }) => topic)).toEqual(['a', 'b', 'c'])
      expect(seen[1]?.position).toBe(first)
      expect(seen[2]?.position).toBe(second)
      expect(second).toBeGreaterThan(first)
    })

    it('resolves concurrent appends in the order of the calls', async () => {
      const resolved: number[] = []
      const names = Array.from({ length: 200 }, (_, i) => `t/${i}`)
      const positions = await Promise.all(
        names.map(async (topic, i) => {
          const position = await log.append(batchOf([topic]))
          resolved.push(i)
          return position
        }),
      )
      expect(resolved).toEqual(names.map((_, i) => i))
      const seen = await readAll(log, 0)
      expect(seen.map(({ topic }) => topic)).toEqual(names)
      expect(seen.map(({ position }) => position)).toEqual(positions)
    })

    it('keeps frames, positions and the newest received time over a restart', async () => {
      await log.append(batchOf(['a', 'b'], 20, 5000))
      const end = await log.append(batchOf(['c'], 20, 7000))
      await reopen()
      expect(await topicsOf(log)).toEqual(['a', 'b', 'c'])
      expect(await topicsOf(log, end)).toEqual([])
      expect(log.lastReceivedMs).toBe(7000)
      expect(log.stats().durable).toBe(end)
      expect(await log.append(batchOf(['d']))).toBeGreaterThan(end)
      expect(await topicsOf(log, end)).toEqual(['d'])
    })

    it('reads on from any frame, also after a restart', async () => {
      for (let i = 0; i < 40; i++) await log.append(batchOf([`${i}/a`, `${i}/b`, `${i}/c`], 600))
      const seen = await readAll(log, 0)
      expect(seen.length).toBe(120)
      await reopen()
      for (const [i, frame] of [...seen.entries()].reverse()) {
        const slice = await log.read(frame.position, 500)
        expect(slice.start).toBe(frame.position)
        const next = seen[i + 1]
        if (next === undefined) expect(slice.bytes.length).toBe(0)
        else expect(slice.end).toBeGreaterThanOrEqual(next.position)
      }
    })

    it('gives about as many bytes as asked for, and a frame that is larger whole', async () => {
      await log.append(batchOf(['a', 'b', 'c'], 1000))
      await log.append(batchOf(['large'], 100_000))
      await log.append(batchOf(['z'], 1000))
      const slice = await log.read(0, 3000)
      expect(slice.bytes.length).toBeLessThanOrEqual(3000)
      expect(slice.end - slice.start).toBe(slice.bytes.length)
      const seen = await readAll(log, 0, 3000)
      expect(seen.map(({ topic }) => topic)).toEqual(['a', 'b', 'c', 'large', 'z'])
      expect(seen[3]?.payloadBytes).toBe(100_000)
      const tiny = await readAll(log, 0, 1)
      expect(tiny).toEqual(seen)
    })

    it('lets a reader follow a writer without a gap', async () => {
      const total = 300
      const writing = (async () => {
        for (let i = 0; i < total; i++) await log.append(batchOf([`t/${i}`], (i * 37) % 2000))
      })()
      const seen: string[] = []
      for (let position = 0; seen.length < total; ) {
        await log.waitForMore(position, never)
        const frames = await readAll(log, position)
        seen.push(...frames.map(({ topic }) => topic))
        position = frames.at(-1)?.position ?? position
      }
      await writing
      expect(seen).toEqual(Array.from({ length: total }, (_, i) => `t/${i}`))
    })

    it('ends a wait at the next append, at once when there is more already, and with the signal', async () => {
      const waiting = log.waitForMore(0, never)
      const end = await log.append(batchOf(['a']))
      await waiting
      await log.waitForMore(0, never)
      const abort = new AbortController()
      const aborted = log.waitForMore(end, abort.signal)
      abort.abort()
      await aborted
      await log.waitForMore(end, abort.signal)
    })

    it('refuses what is not whole frames and goes on', async () => {
      await expect(log.append(new Uint8Array(0))).rejects.toMatchObject({ code: 'invalid_input' })
      await expect(log.append(batchOf(['a']).subarray(0, 30))).rejects.toMatchObject({ code: 'invalid_input' })
      await expect(log.append(new Uint8Array(100))).rejects.toMatchObject({ code: 'invalid_input' })
      await log.append(batchOf(['b']))
      expect(await topicsOf(log)).toEqual(['b'])
    })

    it('refuses a batch that not even an empty log could take', async () => {
      await expect(log.append(batchOf(['a'], 1024 * 1024))).rejects.toMatchObject({ code: 'too_large' })
      await log.append(batchOf(['b']))
      expect(log.stats().full).toBe(false)
    })

    it('reads nothing beyond its end', async () => {
      const end = await log.append(batchOf(['a']))
      await expect(log.read(end + 100, 1000)).rejects.toMatchObject({ code: 'not_found' })
    })

    it('trims only what every consumer has released, and says that it is gone', async () => {
      const positions: LogPosition[] = []
      for (let i = 0; i < 60; i++) positions.push(await log.append(batchOf([`t/${i}`], 4000)))
      const middle = positions[30] ?? 0
      log.release('ingest', middle)
      await log.trim()
      expect(log.stats().tail).toBe(0)
      log.release('fanout', positions[50] ?? 0)
      await log.trim()
      const { tail, bytes, durable } = log.stats()
      expect(tail).toBeGreaterThan(0)
      expect(tail).toBeLessThanOrEqual(middle)
      expect(bytes).toBe(durable - tail)
      await expect(log.read(0, 1000)).rejects.toMatchObject({ code: 'not_found' })
      expect((await topicsOf(log, middle))[0]).toBe('t/31')
    })

    it('never takes a release back, and tells how far each consumer lags', async () => {
      const first = await log.append(batchOf(['a']))
      const second = await log.append(batchOf(['b']))
      log.release('ingest', second)
      log.release('ingest', first)
      expect(log.stats().consumers).toEqual([
        { name: 'ingest', position: second, lag: 0, released: second },
        { name: 'fanout', position: 0, lag: second, released: 0 },
      ])
      expect(() => log.release('nobody', second)).toThrow('nobody')
    })

    it('tells how far a consumer has read, which lets nothing be trimmed', async () => {
      let end = 0
      for (let i = 0; i < 60; i++) end = await log.append(batchOf([`t/${i}`], 4000))
      const reader = place.openReader('ingest')
      const ingest = () => log.stats().consumers[0]
      const slice = await reader.read(0, 10_000)
      expect(ingest()).toEqual({ name: 'ingest', position: 0, lag: end, released: 0 })
      await reader.read(slice.end, 10_000)
      expect(ingest()).toEqual({ name: 'ingest', position: slice.end, lag: end - slice.end, released: 0 })
      await reader.read(end, 10_000)
      expect(ingest()).toEqual({ name: 'ingest', position: end, lag: 0, released: 0 })
      // One that starts over is where it reads, but not behind what it needs no more.
      log.release('ingest', slice.end)
      await reader.read(end, 10_000)
      await reader.read(slice.end, 10_000)
      expect(ingest()).toEqual({ name: 'ingest', position: slice.end, lag: end - slice.end, released: slice.end })
      log.release('fanout', end)
      await log.trim()
      expect(log.stats().tail).toBeLessThanOrEqual(slice.end)
      await reader.close()
    })

    it('takes no reads of a consumer for those of another, nor its own', async () => {
      const end = await log.append(batchOf(['a']))
      const reader = place.openReader('fanout')
      await reader.read(end, 1000)
      await log.read(end, 1000)
      expect(log.stats().consumers.map(({ position }) => position)).toEqual([0, end])
      await reader.close()
    })

    it('trims nothing after a restart until every consumer has released again', async () => {
      for (let i = 0; i < 60; i++) await log.append(batchOf([`t/${i}`], 4000))
      await reopen()
      const { durable, tail } = log.stats()
      log.release('ingest', durable)
      await log.trim()
      expect(log.stats().tail).toBe(tail)
    })

    it('keeps positions and the newest received time when everything has been trimmed', async () => {
      let end = 0
      for (let i = 0; i < 60; i++) end = await log.append(batchOf([`t/${i}`], 4000, 1000 + i))
      releaseAll(end)
      await log.trim()
      await reopen()
      expect(log.stats().durable).toBe(end)
      expect(log.lastReceivedMs).toBe(1059)
      expect(await log.append(batchOf(['next']))).toBeGreaterThan(end)
    })

    it('is full at its bound: refuses, keeps what it took, and has room again after a trim', async () => {
      await reopen(128 * 1024)
      const positions = await fill()
      expect(positions.length).toBeGreaterThan(8)
      expect(log.stats()).toMatchObject({ full: true, durable: positions.at(-1) })
      expect(log.stats().bytes).toBeLessThanOrEqual(128 * 1024)
      await expect(log.append(batchOf(['small'], 1))).rejects.toMatchObject({ code: 'log_full' })
      expect((await topicsOf(log)).length).toBe(positions.length)

      const room = log.waitForRoom(never)
      releaseAll(positions.at(-1) ?? 0)
      await room
      expect(log.stats().full).toBe(false)
      const next = await log.append(batchOf(['next'], 8000))
      expect(await topicsOf(log, positions.at(-1))).toEqual(['next'])
      await reopen(128 * 1024)
      expect(log.stats().durable).toBe(next)
    })

    it('fills, is trimmed and fills again for ever', async () => {
      await reopen(128 * 1024)
      for (let round = 0; round < 4; round++) {
        const positions = await fill()
        expect(positions.length).toBeGreaterThan(4)
        releaseAll(positions.at(-1) ?? 0)
        await log.waitForRoom(never)
      }
      expect(log.stats().bytes).toBeLessThanOrEqual(128 * 1024)
    })

    it('ends a wait for room with the signal', async () => {
      await log.waitForRoom(never)
      await reopen(128 * 1024)
      await fill()
      const abort = new AbortController()
      const waiting = log.waitForRoom(abort.signal)
      abort.abort()
      await waiting
      expect(log.stats().full).toBe(true)
    })

    it('finishes what was appended when it closes, and refuses afterwards', async () => {
      const appended = [log.append(batchOf(['a'])), log.append(batchOf(['b']))]
      const waiting = log.waitForMore(1_000_000, never)
      await log.close()
      await log.close()
      await waiting
      await Promise.all(appended)
      await expect(log.append(batchOf(['c']))).rejects.toMatchObject({ code: 'closed' })
      await expect(log.read(0, 1000)).rejects.toMatchObject({ code: 'closed' })
      log = await place.open()
      expect(await topicsOf(log)).toEqual(['a', 'b'])
    })
  })
}
