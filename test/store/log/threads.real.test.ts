import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSegmentReader, type SegmentLog } from '../../../store/log/index.ts'
import { batchOf, openSmallLog, type TempFolder, tempFolder, until } from './harness.ts'

describe('reading the log from other threads', () => {
  let folder: TempFolder
  let log: SegmentLog
  beforeEach(async () => {
    folder = await tempFolder()
    log = await openSmallLog(folder.path)
  })
  afterEach(async () => {
    await log.close()
    await folder.remove()
  })

  it('follows the writer in order, never beyond the durable end, while the log is trimmed behind it', async () => {
    const total = 3000
    const workerData = { folder: folder.path, shared: log.shared, total }
    const worker = new Worker(new URL('./reader-worker.ts', import.meta.url), { workerData })
    const posted = once(worker, 'message')
    const topics = Array.from({ length: total }, (_, i) => `t/${i}`)
    for (let i = 0; i < total; i += 3) {
      const end = await log.append(batchOf(topics.slice(i, i + 3), (i * 7) % 900))
      log.release('fanout', end)
      // The log holds 1 MiB: the writer stays less than that ahead of the worker.
      await until(() => end - (log.stats().consumers[0]?.position ?? 0) < 500_000)
    }
    const [seen] = await posted
    expect(seen).toEqual(topics)
    await once(worker, 'exit')
    expect(log.stats().consumers[0]).toMatchObject({ name: 'ingest', lag: 0 })
    await log.trim()
    expect(log.stats().tail).toBeGreaterThan(0)
  })

  it('reads on in a file that was removed under it, and then says what is gone', async () => {
    const reader = openSegmentReader({ folder: folder.path, shared: log.shared })
    let end = 0
    for (let i = 0; i < 20; i++) end = await log.append(batchOf([`t/${i}`], 4000))
    const slice = await reader.read(0, 5000)
    const before = Buffer.from(slice.bytes)
    log.release('ingest', end)
    log.release('fanout', end)
    await log.trim()
    expect(Buffer.compare(slice.bytes, before)).toBe(0)
    await expect(reader.read(slice.end, 5000)).rejects.toMatchObject({ code: 'not_found' })
    const rest = await reader.read(log.stats().tail, 5000)
    expect(rest.bytes.length).toBeGreaterThan(0)
    await reader.close()
  })
})
