import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { Bench } from './bench.ts'

/** A benchmark that is a program of its own: it runs as one, and `read` makes figures of what it prints. */
export function programBench(file: string, read: (printed: string) => Readonly<Record<string, unknown>>): Bench {
  return async ({ args, say }) => {
    const path = fileURLToPath(new URL(file, import.meta.url))
    say(`running ${file}`)
    const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [printed, [code]] = await Promise.all([text(child.stdout), once(child, 'close')])
    if (code !== 0) throw new Error(`run ${file} failed: exit ${code}`)
    return read(printed)
  }
}
