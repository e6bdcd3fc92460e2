/**
 * The embedded log against LMDB, alternating in the same run, each in a process of its own:
 *   node bench/log.ts [--seconds 4] [--rounds 2]
 * prints one JSON document. `closed`: 2,500 frames are always in flight, as from 50 connections with 50 each;
 * `paced`: 100,000 frames a second. A consumer releases what is 16 MiB behind; frames are 200 bytes.
 */
import { execFileSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { frameKind, systemClock } from '../model/index.ts'
import { type AppendFrame, createLogAppender } from '../store/log/index.ts'
import type { OpenEngine } from './log-engines/engine.ts'
import { openLmdb } from './log-engines/lmdb.ts'
import { openSegments } from './log-engines/segments.ts'

const engines: Readonly<Record<string, OpenEngine>> = { segments: openSegments, lmdb: openLmdb }
const loads = ['closed', 'paced'] as const
const mb = 1e6

interface Result {
  readonly framesPerS: number
  readonly mbPerS: number
  readonly commitsPerS: number
  readonly ackP50Ms: number
  readonly ackP99Ms: number
  /** Of one core, all threads of the process. */
  readonly cpuPct: number
  readonly rssAnonMb: number
  readonly rssMb: number
  readonly readMbPerS: number
  readonly fileMb: number
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '4' }, rounds: { type: 'string', default: '2' } },
})
const seconds = Number(values.seconds)
const [engineName, load] = positionals
if (engineName === undefined) compare(Number(values.rounds))
else console.log(JSON.stringify(await measure(engineName, load === 'paced' ? 100_000 : undefined)))

function compare(rounds: number): void {
  const self = fileURLToPath(import.meta.url)
  const results = loads.flatMap((load) => {
    const runs = new Map<string, Result[]>()
    for (let round = 0; round < rounds; round++) {
      for (const engine of Object.keys(engines)) {
        const args = [self, engine, load, '--seconds', String(seconds)]
        const result: Result = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }))
        runs.set(engine, [...(runs.get(engine) ?? []), result])
      }
    }
    return [...runs].map(([engine, list]) => ({ load, engine, runs: list }))
  })
  const machine = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`
  console.log(JSON.stringify({ machine, seconds, results }, null, 2))
}

async function measure(name: string, framesPerS: number | undefined): Promise<Result> {
  const open = engines[name]
  if (open === undefined) throw new Error(`no engine ${name}`)
  const folder = await mkdtemp(join(tmpdir(), 'pelbiot-bench-'))
  try {
    const engine = await open(folder)
    const written = await drive(engine, framesPerS)
    const startedMs = performance.now()
    const readBytes = await engine.readAll()
    const readMbPerS = readBytes / mb / ((performance.now() - startedMs) / 1000)
    const memory = await memoryMb()
    await engine.close()
    let fileBytes = 0
    for (const file of await readdir(folder)) fileBytes += (await stat(join(folder, file))).size
    return { ...written, ...memory, readMbPerS: round(readMbPerS), fileMb: round(fileBytes / mb) }
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function drive(engine: Awaited<ReturnType<OpenEngine>>, framesPerS: number | undefined) {
  const fail = (error: Error): never => {
    throw error
  }
  const appender = createLogAppender(engine.log, { clock: systemClock, onFailure: fail })
  const frame: AppendFrame = {
    kind: frameKind.message,
    flags: 1,
    packetId: 1,
    session: 1,
    origin: Buffer.from('device:meter-0001\0meter-0001'),
    topic: 'pel/v1/meter-0001/telemetry',
    payload: Buffer.alloc(121, 0x41),
  }
  const owner = { closed: false }
  const latenciesMs: number[] = []
  let acked = 0
  let sent = 0
  let running = true
  const startedMs = performance.now()
  const cpu = process.cpuUsage()

  const append = (): void => {
    const sentMs = performance.now()
    sent++
    appender.append(frame, owner, (error, position) => {
      if (error !== undefined) throw error
      acked++
      if (acked % 16 === 0) latenciesMs.push(performance.now() - sentMs)
      if (acked % 1024 === 0) engine.release(Math.max(0, position - 16 * 1024 * 1024))
      if (running && framesPerS === undefined) append()
    })
  }
  if (framesPerS === undefined) for (let i = 0; i < 2500; i++) append()
  while (performance.now() - startedMs < seconds * 1000) {
    const due = framesPerS === undefined ? 0 : ((performance.now() - startedMs) / 1000) * framesPerS
    while (sent < due) append()
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  running = false
  await appender.stop()

  const elapsedS = (performance.now() - startedMs) / 1000
  const used = process.cpuUsage(cpu)
  latenciesMs.sort((a, b) => a - b)
  return {
    framesPerS: Math.round(acked / elapsedS),
    mbPerS: round((acked * 200) / mb / elapsedS),
    commitsPerS: Math.round(engine.commits() / elapsedS),
    ackP50Ms: round(latenciesMs[Math.floor(latenciesMs.length * 0.5)] ?? 0),
    ackP99Ms: round(latenciesMs[Math.floor(latenciesMs.length * 0.99)] ?? 0),
    cpuPct: Math.round((used.user + used.system) / 1e4 / elapsedS),
  }
}

async function memoryMb() {
  const status = await readFile('/proc/self/status', 'utf8')
  const kib = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0)
  return { rssAnonMb: round((kib('RssAnon') * 1024) / mb), rssMb: round((kib('VmRSS') * 1024) / mb) }
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
