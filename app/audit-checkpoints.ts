import { open, readFile, rename, writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { AppError } from '../model/index.ts'
import type { AuditCheckpoint } from '../store/state/index.ts'

/** A line a day, and one a start and a stop: years of them, in some 600 KB. Beyond it the older half goes. */
const maxLines = 5_000

const lineSchema = z.object({ time: z.string(), id: z.int().min(1), hash: z.string().regex(/^[0-9a-f]{64}$/) })

/**
 * The newest rows that the audit log had, written down beside the database: whoever changes that one has to find and change
 * this file too, and what the platform logged, and what others have copied of either.
 */
export interface AuditCheckpoints {
  /** The oldest first; none where there is no file yet. A line that is no checkpoint, as a crash tears the last one, is passed over. */
  list(): Promise<readonly AuditCheckpoint[]>
  /** Resolves once it is on disk. */
  add(checkpoint: AuditCheckpoint, timeMs: number): Promise<void>
}

export function openAuditCheckpoints(file: string): AuditCheckpoints {
  async function lines(): Promise<string[]> {
    try {
      return (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '')
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
      throw new AppError('store_failed', `read ${file} failed`, { cause: error })
    }
  }

  return {
    async list() {
      return (await lines()).flatMap((line) => {
        const checkpoint = parse(line)
        return checkpoint === undefined ? [] : [checkpoint]
      })
    },
    async add({ id, hash }, timeMs) {
      const kept = await lines()
      if (kept.length >= maxLines) {
        await writeFile(`${file}.new`, `${kept.slice(-maxLines / 2).join('\n')}\n`, { mode: 0o600, flush: true })
        await rename(`${file}.new`, file)
      }
      const handle = await open(file, 'a', 0o600)
      try {
        // Behind a torn line it begins a new one.
        await handle.write(`\n${JSON.stringify({ time: new Date(timeMs).toISOString(), id, hash })}\n`)
        await handle.datasync()
      } finally {
        await handle.close()
      }
    },
  }
}

function parse(line: string): AuditCheckpoint | undefined {
  try {
    const { id, hash } = lineSchema.parse(JSON.parse(line))
    return { id, hash }
  } catch {
    return undefined
  }
}
