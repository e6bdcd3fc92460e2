import { controlTopic } from '../model/index.ts'
import type { LogReader } from '../store/log/index.ts'
import type { ReadingStore } from '../store/readings/index.ts'
import { consumerName } from './committer.ts'
import { checkFit, checkMemoryFits, checkWhole } from './fit.ts'
import type { Memory } from './memory/memory.ts'
import type { Pass } from './pass.ts'
import type { Evaluator, IngestLedger } from './ports.ts'
import type { SeriesNames } from './series-names.ts'
import type { Snapshots } from './snapshots.ts'
import type { Beginning } from './walk.ts'

export interface RestoreDeps {
  readonly logId: string
  readonly log: LogReader
  readonly readings: ReadingStore
  readonly series: SeriesNames
  readonly ledger: IngestLedger
  readonly evaluator: Evaluator | undefined
  readonly snapshots: Snapshots
  readonly pass: Pass
}

/** Where ingest resumes, and how far the evaluator's effects are recorded. */
export interface Resumption extends Beginning {
  readonly recorded: number
}

/**
 * Opens the stores and brings the memory back from the newest snapshot that is behind all of them; what it does not
 * hold yet is read again from the log. Rejects when log, stores and snapshots do not fit together.
 */
export async function restore(deps: RestoreDeps): Promise<Resumption> {
  const { logId, log, ledger, series, evaluator, snapshots, pass } = deps
  const readings = await deps.readings.open()
  const stored = { readings: readings.position, ledger: await ledger.position(consumerName) }
  const recorded = (await evaluator?.open()) ?? 0
  const state = await series.highest()
  const parts = { logId, log: log.stats(), readings, rejected: stored.ledger, recorded, state }
  checkFit(parts)

  const limits = {
    memory: Math.min(stored.readings, stored.ledger),
    evaluator: evaluator === undefined ? Number.POSITIVE_INFINITY : recorded,
  }
  const snapshot = await snapshots.load(limits)
  if (snapshot === undefined) {
    checkWhole(parts)
    return { position: 0, stored, recorded, judged: 0 }
  }
  const { position } = snapshot
  pass.restore(snapshot.memory)
  checkMemoryFits(pass.memory.highestDevice, state)
  if (evaluator === undefined) return { position, stored, recorded, judged: position }
  if (snapshot.evaluator === undefined) introduce(evaluator, pass.memory, position)
  else evaluator.decode(snapshot.evaluator.bytes)
  return { position, stored, recorded, judged: snapshot.evaluator?.position ?? position }
}

/** The memory is older than the evaluator: it is told what there is as if it had been there from the beginning. */
function introduce(evaluator: Evaluator, memory: Memory, position: number): void {
  evaluator.beginFrame(memory.nowMs, position)
  for (const [id, { bytes }] of memory.profiles) evaluator.control(controlTopic.profile(id), bytes)
  for (const [id, { recordBytes }] of memory.devices) evaluator.control(controlTopic.device(id), recordBytes)
}
