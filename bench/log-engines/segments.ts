import { openSegmentLog } from '../../store/log/index.ts'
import type { LogEngine } from './engine.ts'

export async function openSegments(folder: string): Promise<LogEngine> {
  const mib = 1024 * 1024
  const limits = { maxBytes: 8192 * mib, segmentBytes: 64 * mib, reserveBytes: 0 }
  const log = await openSegmentLog({ folder, consumers: ['bench'], ...limits })
  return {
    log,
    release: (position) => log.release('bench', position),
    async readAll() {
      let bytes = 0
      for (let position = log.stats().tail; ; ) {
        const slice = await log.read(position, 256 * 1024)
        if (slice.bytes.length === 0) return bytes
        bytes += slice.bytes.length
        position = slice.end
      }
    },
    commits: () => log.stats().commits,
    async close() {
      await log.trim()
      await log.close()
    },
  }
}
