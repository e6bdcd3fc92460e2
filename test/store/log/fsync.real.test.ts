import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openSmallLog, type TempFolder, tempFolder, topicsOf } from './harness.ts'

const child = fileURLToPath(new URL('./appending-child.ts', import.meta.url))

function whyNot(): string | undefined {
  const { error, status } = spawnSync('strace', ['-f', '-e', 'trace=none', '/bin/true'], { stdio: 'pipe' })
  if (error !== undefined) return 'strace is not installed'
  return status === 0 ? undefined : 'strace is not permitted here'
}

const reason = whyNot()

interface Traced {
  /** System calls in the order in which they returned. */
  readonly calls: readonly string[]
  readonly stdout: string
  readonly status: number | null
}

describe.skipIf(reason !== undefined)(`system calls of the log${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let folder: TempFolder
  let traces: TempFolder
  beforeEach(async () => {
    folder = await tempFolder()
    traces = await tempFolder()
  })
  afterEach(async () => {
    await folder.remove()
    await traces.remove()
  })

  const trace = (total: number, options: readonly string[] = []): Traced => {
    const output = join(traces.path, 'trace')
    const watched = 'trace=pwritev,pwrite64,pwritev2,fdatasync,write'
    const { stdout, status } = spawnSync(
      'strace',
      [
        '-f',
        '-y',
        '-s',
        '60',
        '-o',
        output,
        '-e',
        watched,
        ...options,
        process.execPath,
        child,
        folder.path,
        String(total),
      ],
      { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
    )
    return { calls: readFileSync(output, 'utf8').split('\n'), stdout, status }
  }

  /** Commits written, synced, and the acknowledgements that were printed behind them, as they happened. */
  const check = (calls: readonly string[]): { readonly acked: number; readonly syncs: number } => {
    const written = new Map<string, number>()
    let writtenBytes = 0
    let syncedBytes = 0
    let acked = 0
    let syncs = 0
    for (const call of calls) {
      const thread = /^\d+/.exec(call)?.[0] ?? ''
      const returned = / = (\d+)(?: \(DELAYED\))?$/.exec(call)?.[1]
      if (/pwrite/.test(call) && returned !== undefined) {
        writtenBytes += Number(returned)
      } else if (/fdatasync\(/.test(call)) {
        written.set(thread, writtenBytes)
        if (returned === '0') {
          syncedBytes = writtenBytes
          syncs++
        }
      } else if (/fdatasync resumed/.test(call) && returned === '0') {
        syncedBytes = written.get(thread) ?? 0
        syncs++
      }
      const position = /write\(1.*"acked \S+ (\d+)/.exec(call)?.[1]
      if (position !== undefined) {
        expect(Number(position)).toBeLessThanOrEqual(syncedBytes)
        acked++
      }
    }
    return { acked, syncs }
  }

  it('syncs the disk before it tells that a frame is on it', () => {
    const { calls, stdout, status } = trace(2000)
    expect(status).toBe(0)
    expect(stdout.trimEnd().endsWith('end')).toBe(true)
    const { acked, syncs } = check(calls)
    expect(acked).toBe(2000)
    expect(syncs).toBeGreaterThan(10)
  })

  it('waits for a slow disk', () => {
    const { calls, status } = trace(300, ['-e', 'inject=fdatasync:delay_enter=20000'])
    expect(status).toBe(0)
    expect(check(calls).acked).toBe(300)
  })

  it('never tries a failed sync again: it fails, and keeps what it had told', async () => {
    const { calls, stdout, status } = trace(100_000, ['-e', 'inject=fdatasync:error=EIO:when=5+'])
    expect(status).toBe(3)
    expect(stdout).toContain('failed log_failed')
    expect(calls.filter((call) => /EIO/.test(call)).length).toBe(1)
    const acked = [...stdout.matchAll(/^acked (\S+)/gm)].map(([, topic]) => topic)
    expect(acked.length).toBeGreaterThan(0)
    const log = await openSmallLog(folder.path, { maxBytes: 1 << 30 })
    expect((await topicsOf(log)).slice(0, acked.length)).toEqual(acked)
    await log.close()
  })
})
