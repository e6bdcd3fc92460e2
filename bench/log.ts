/**
 * The embedded log against LMDB, alternating in the same run, each in a process of its own:
 *   node bench/log.ts [--seconds 3] [--rounds 3]
 * prints one JSON document, the medians of the rounds. Frames are 200 bytes. Loads:
 *   single   one frame in flight: what one commit costs
 *   paced    100,000 frames a second, a consumer 16 MiB behind
 *   backlog  2,500 frames in flight (50 connections with 50 each) while the consumer is away; it releases at the end
 * The process's memory and what is left of the files after everything was released are taken at the end.
 */
import { execFileSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { frameKind, systemClock } from '../model/index.ts'
import { type AppendFrame, createLogAppender } from '../store/log/index.ts'
import type { LogEngine, OpenEngine } from './log-engines/engine.ts'
import { openLmdb } from './log-engines/lmdb.ts'
import { openSegments } from './log-engines/segments.ts'

const engines: Readonly<Record<string, OpenEngine>> = { segments: openSegments, lmdb: openLmdb }
const mb = 1e6

interface Load {
  /** Frames in flight at the start; each acknowledgement sends one. */
  readonly inFlight: number
  readonly framesPerS: number
  /** The consumer releases up to so many bytes behind the end while frames come; undefined: only at the end. */
  readonly behindBytes: number | undefined
}

const loads: Readonly<Record<string, Load>> = {
  single: { inFlight: 1, framesPerS: 0, behindBytes: 16 * 2 ** 20 },
  paced: { inFlight: 0, framesPerS: 100_000, behindBytes: 16 * 2 ** 20 },
  backlog: { inFlight: 2500, framesPerS: 0, behindBytes: undefined },
}

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
  readonly peakFileMb: number
  readonly fileMb: number
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '3' }, rounds: { type: 'string', default: '3' } },
})
const seconds = Number(values.seconds)
const [engineName, loadName] = positionals
if (engineName === undefined || loadName === undefined) compare(Number(values.rounds))
else console.log(JSON.stringify(await measure(engineName, loadName)))

function compare(rounds: number): void {
  const self = fileURLToPath(import.meta.url)
  const results = Object.keys(loads).flatMap((load) => {
    const runs = Object.keys(engines).map((engine) => ({ engine, list: [] as Result[] }))
    for (let round = 0; round < rounds; round++) {
      for (const { engine, list } of runs) {
        const args = [self, engine, load, '--seconds', String(seconds)]
        list.push(JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })))
      }
    }
    return runs.map(({ engine, list }) => ({ load, engine, ...medians(list) }))
  })
  const machine = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, Node ${process.version}`
  console.log(JSON.stringify({ machine, loadAverage: loadavg(), seconds, rounds, results }, null, 2))
}

function medians(list: readonly Result[]): Result {
  const median = (pick: (result: Result) => number): number =>
    list.map(pick).sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0
  return {
    framesPerS: median((r) => r.framesPerS),
    mbPerS: median((r) => r.mbPerS),
    commitsPerS: median((r) => r.commitsPerS),
    ackP50Ms: median((r) => r.ackP50Ms),
    ackP99Ms: median((r) => r.ackP99Ms),
    cpuPct: median((r) => r.cpuPct),
    rssAnonMb: median((r) => r.rssAnonMb),
    rssMb: median((r) => r.rssMb),
    readMbPerS: median((r) => r.readMbPerS),
    peakFileMb: median((r) => r.peakFileMb),
    fileMb: median((r) => r.fileMb),
  }
}

async function measure(engineName: string, loadName: string): Promise<Result> {
  const open = engines[engineName]
  const load = loads[loadName]
  if (open === undefined || load === undefined) throw new Error(`no engine ${engineName} or no load ${loadName}`)
  const folder = await mkdtemp(join(tmpdir(), 'pelbiot-bench-'))
  try {
    const engine = await open(folder)
    const { end, ...written } = await drive(engine, load)
    const startedMs = performance.now()
    const readBytes = await engine.readAll()
    const readMbPerS = round(readBytes / mb / ((performance.now() - startedMs) / 1000))
    const memory = await memoryMb()
    const peakFileMb = await fileMb(folder)
    engine.release(end)
    await engine.close()
    return { ...written, ...memory, readMbPerS, peakFileMb, fileMb: await fileMb(folder) }
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function fileMb(folder: string): Promise<number> {
  let bytes = 0
  for (const file of await readdir(folder)) bytes += (await stat(join(folder, file))).size
  return round(bytes / mb)
}

async function drive(engine: LogEngine, load: Load) {
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
  let end = 0
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
      end = position
      if (load.inFlight === 1 || acked % 16 === 0) latenciesMs.push(performance.now() - sentMs)
      if (acked % 1024 === 0 && load.behindBytes !== undefined) engine.release(Math.max(0, position - load.behindBytes))
      if (running && load.inFlight > 0) append()
    })
  }
  for (let i = 0; i < load.inFlight; i++) append()
  while (performance.now() - startedMs < seconds * 1000) {
    const due = ((performance.now() - startedMs) / 1000) * load.framesPerS
    while (load.framesPerS > 0 && sent < due) append()
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  running = false
  await appender.stop()

  const elapsedS = (performance.now() - startedMs) / 1000
  const used = process.cpuUsage(cpu)
  latenciesMs.sort((a, b) => a - b)
  return {
    end,
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
