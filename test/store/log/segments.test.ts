import { expect, it } from 'vitest'
import { logConfigSchema, openSegmentReader, type SharedLog } from '../../../store/log/index.ts'
import { describeMessageLog } from './conformance.ts'
import { batchOf, openSmallLog, tempFolder } from './harness.ts'

describeMessageLog('segment files', async () => {
  const folder = await tempFolder()
  let shared: SharedLog
  return {
    async open(maxBytes = 1024 * 1024) {
      const log = await openSmallLog(folder.path, { maxBytes })
      shared = log.shared
      return log
    },
    openReader: (consumer) => openSegmentReader({ folder: folder.path, shared, consumer }),
    remove: folder.remove,
  }
})

it('refuses to read from within a frame', async () => {
  const folder = await tempFolder()
  const log = await openSmallLog(folder.path)
  await log.append(batchOf(['a', 'b']))
  await expect(log.read(1, 1000)).rejects.toMatchObject({ code: 'invalid_input' })
  await log.close()
  await folder.remove()
})

it('lets at least two files fit into the bound', () => {
  const mib = 1024 * 1024
  expect(logConfigSchema.safeParse({ maxBytes: 100 * mib, segmentBytes: 64 * mib }).success).toBe(false)
  expect(logConfigSchema.parse({})).toEqual({
    maxBytes: 8192 * mib,
    reserveBytes: 512 * mib,
    segmentBytes: 64 * mib,
  })
})
