import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { AppError } from '../../model/index.ts'

/** What the simulator prints (firmware-sim/building/config.ts), one JSON object a line. */
type Report = { readonly kind: 'backlog'; readonly rows: number; readonly ofRows: number } | { readonly kind: 'live' }

export interface Simulator {
  /** Resolves when the backlog has been acknowledged and live messages begin; rejects when the simulator ends before. */
  readonly live: Promise<void>
  stop(): Promise<void>
}

/** Starts the building as a process of its own; `config` is its standard input. */
export function startSimulator(config: object, onBacklog: (rows: number, of: number) => void): Simulator {
  const entry = fileURLToPath(new URL('../../firmware-sim/building/main.ts', import.meta.url))
  const child = spawn(process.execPath, [entry], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(JSON.stringify(config))
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const live = new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const report = JSON.parse(line) as Report
      if (report.kind === 'live') resolve()
      else onBacklog(report.rows, report.ofRows)
    })
    child.once('exit', (code) => reject(new AppError('internal', `run the simulator failed: it ended with ${code}`)))
  })
  return { live, stop: () => endProcess(child, ended) }
}

async function endProcess(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000)
  await ended
  clearTimeout(timer)
}
