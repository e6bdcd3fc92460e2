import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { openAuditCheckpoints } from '../../app/audit-checkpoints.ts'
import { createAuditKeeper } from '../../app/audit-keeper.ts'
import { makeTempFolder } from '../setup/temp-folder.ts'

const dayMs = 86_400_000
const noon = Date.parse('2026-11-23T12:00:00Z')
const hashOf = (id: number): string => id.toString(16).padStart(64, '0')

describe('checkpoints of the audit log', () => {
  test('are there after whatever a crash left of the last line', async () => {
    using folder = makeTempFolder('checkpoints')
    const file = join(folder.path, 'audit-checkpoints.jsonl')
    const checkpoints = openAuditCheckpoints(file)
    expect(await checkpoints.list()).toEqual([])
    await checkpoints.add({ id: 1, hash: hashOf(1) }, noon)
    appendFileSync(file, '{"time":"2026-11-23T12:00:00Z","id":2,"ha')
    await checkpoints.add({ id: 3, hash: hashOf(3) }, noon)
    appendFileSync(file, '{"id":4}\n')
    expect(await checkpoints.list()).toEqual([1, 3].map((id) => ({ id, hash: hashOf(id) })))
    expect(readFileSync(file, 'utf8')).toContain(`{"time":"2026-11-23T12:00:00.000Z","id":1,"hash":"${hashOf(1)}"}\n`)
  })

  test('that are too many make room, the older half first', async () => {
    using folder = makeTempFolder('checkpoints')
    const file = join(folder.path, 'audit-checkpoints.jsonl')
    const line = (id: number) => `${JSON.stringify({ time: new Date(noon).toISOString(), id, hash: hashOf(id) })}\n`
    appendFileSync(file, Array.from({ length: 5_000 }, (_, i) => line(i + 1)).join(''))
    const checkpoints = openAuditCheckpoints(file)
    await checkpoints.add({ id: 5_001, hash: hashOf(5_001) }, noon)
    const ids = (await checkpoints.list()).map(({ id }) => id)
    expect([ids.length, ids[0], ids.at(-1)]).toEqual([2_501, 2_501, 5_001])
  })

  test('in a file that cannot be read are an error, not none', async () => {
    using folder = makeTempFolder('checkpoints')
    await expect(openAuditCheckpoints(folder.path).list()).rejects.toMatchObject({ code: 'store_failed' })
  })
})

describe('the keeper of the audit log', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: noon, toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  function keeperOf(retentionDays: number) {
    const done: string[] = []
    const written: string[] = []
    const logger = pino({ level: 'info' }, { write: (line: string) => void written.push(JSON.parse(line).msg) })
    const world = { head: 7, rows: 5_000, failing: false }
    const kept: { id: number; hash: string }[] = []
    const keeper = createAuditKeeper({
      state: {
        audit: { head: async () => ({ id: world.head, hash: hashOf(world.head) }) },
        async trimAudit(beforeMs) {
          if (world.failing) throw new Error('disk is full')
          const count = Math.min(2_000, world.rows)
          world.rows -= count
          done.push(`trim ${count} before ${new Date(beforeMs).toISOString()}`)
          return count
        },
      },
      checkpoints: {
        list: async () => kept,
        async add(checkpoint) {
          kept.push(checkpoint)
          done.push(`checkpoint ${checkpoint.id}`)
        },
      },
      retentionDays,
      clock: { now: () => Date.now() },
      logger,
    })
    return { keeper, done, written, world }
  }

  test('trims what has served its time, writes down the newest row, and does so every day and at the stop', async () => {
    const { keeper, done, written, world } = keeperOf(30)
    keeper.start()
    await vi.waitFor(() => expect(done).toContain('checkpoint 7'))
    const before = 'before 2026-10-24T12:00:00.000Z'
    const trims = [2_000, 2_000, 1_000, 0].map((count) => `trim ${count} ${before}`)
    expect(done.splice(0)).toEqual([...trims, 'checkpoint 7'])
    expect(written.splice(0)).toEqual(['audit log trimmed', 'audit log checkpoint'])

    world.failing = true
    world.head = 8
    await vi.advanceTimersByTimeAsync(dayMs)
    await vi.waitFor(() => expect(done).toContain('checkpoint 8'))
    expect(written.splice(0)).toEqual(['trim audit log failed', 'audit log checkpoint'])

    world.failing = false
    await vi.advanceTimersByTimeAsync(dayMs)
    await vi.waitFor(() => expect(done.at(-1)).toMatch(/^trim 0 before 2026-10-26T12:00:00/))
    world.head = 9
    await keeper.stop()
    expect(done.at(-1)).toBe('checkpoint 9')
    await vi.advanceTimersByTimeAsync(3 * dayMs)
    expect(done.at(-1)).toBe('checkpoint 9')
  })

  test('keeps everything where retention is off', async () => {
    const { keeper, done } = keeperOf(0)
    keeper.start()
    await keeper.stop()
    expect(done).toEqual(['checkpoint 7'])
  })
})
