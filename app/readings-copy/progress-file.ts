import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { z } from 'zod'

const schema = z.object({ from: z.string(), to: z.string(), deviceNumber: z.int(), nextMs: z.number() })

/** Devices before this one are copied, and of this one what lies before `nextMs`. */
export interface Reached {
  readonly deviceNumber: number
  readonly nextMs: number
}

export interface CopyProgress {
  /** Device 0 when there is nothing to go on from. */
  read(): Reached
  write(reached: Reached): void
  remove(): void
}

/** How far a copy has come, in a file; that of another copy counts for nothing. */
export function createProgressFile(file: string, copy: { readonly from: string; readonly to: string }): CopyProgress {
  return {
    read() {
      const none = { deviceNumber: 0, nextMs: Number.NEGATIVE_INFINITY }
      if (!existsSync(file)) return none
      const parsed = schema.safeParse(JSON.parse(readFileSync(file, 'utf8')))
      return parsed.success && parsed.data.from === copy.from && parsed.data.to === copy.to ? parsed.data : none
    },
    write(reached) {
      writeFileSync(`${file}.new`, JSON.stringify({ ...copy, ...reached }), { mode: 0o600, flush: true })
      renameSync(`${file}.new`, file)
    },
    remove: () => rmSync(file, { force: true }),
  }
}
