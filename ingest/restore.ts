import type { Logger } from 'pino'
import { AppError, controlTopic, isAppError } from '../model/index.ts'
import type { LogReader } from '../store/log/index.ts'
import type { ReadingStore, StoreMarks } from '../store/readings/index.ts'
import { consumerName } from './committer.ts'
import { checkFit, checkMemoryFits, checkWhole } from './fit.ts'
import type { Memory } from './memory/memory.ts'
import type { Pass } from './pass.ts'
import type { Evaluator, IngestLedger } from './ports.ts'
import type { SeriesNames } from './series-names.ts'
import type { Snapshot, SnapshotLimits, Snapshots } from './snapshots.ts'
import type { Beginning } from './walk.ts'
import { within } from './within.ts'

export interface RestoreDeps {
  readonly logId: string
  readonly log: LogReader
  readonly readings: ReadingStore
  readonly series: SeriesNames
  readonly ledger: IngestLedger
  readonly evaluator: Evaluator | undefined
  readonly snapshots: Snapshots
  readonly pass: Pass
  readonly logger: Logger
}

/** Where ingest resumes, and how far the evaluator's effects are recorded. */
export interface Resumption extends Beginning {
  readonly recorded: number
  /** To be done before readings are stored, because their store was out of reach. */
  readonly join: (() => Promise<void>) | undefined
}

/** A start waits no longer for a store on a server: messages must be taken meanwhile. */
const reachMs = 3_000

/**
 * Opens the stores and brings the memory back from the newest snapshot that is behind all of them; what it does not
 * hold yet is read again from the log. Rejects when log, stores and snapshots do not fit together. A readings store on a
 * server may be out of reach, and may have lost what it had; then the log sends it again what it still has.
 */
export async function restore(deps: RestoreDeps): Promise<Resumption> {
  const { logId, log, ledger, series, evaluator, snapshots, pass, logger } = deps
  const marks = await openReadings(deps)
  const readings = marks ?? { position: 0, logId: undefined, highestDevice: 0, highestSeries: 0 }
  const rejected = await ledger.position(consumerName)
  const recorded = (await evaluator?.open()) ?? 0
  const state = await series.highest()
  const parts = { logId, log: log.stats(), readings, rejected, recorded, state }
  checkFit(parts)

  const evaluatorLimit = evaluator === undefined ? Number.POSITIVE_INFINITY : recorded
  const anywhere: SnapshotLimits = { memory: rejected, evaluator: evaluatorLimit }
  const known = marks === undefined ? rejected : Math.min(marks.position, rejected)
  let snapshot = await snapshots.load({ memory: known, evaluator: evaluatorLimit })
  if (snapshot === undefined && deps.readings.remote) {
    snapshot = await snapshots.loadOldest(anywhere)
    if (snapshot !== undefined) warnOfLoss(logger, readings, snapshot)
  }
  if (snapshot === undefined) checkWhole(parts)
  const position = snapshot?.position ?? 0
  // What a snapshot was taken of is stored, if it was not lost; then it is to be stored again.
  const beyond = marks === undefined || marks.position < position ? position : marks.position
  const stored = { readings: beyond, ledger: rejected }
  const join = marks === undefined ? () => joinReadings(deps, beyond) : undefined
  if (snapshot === undefined) return { position, stored, recorded, judged: 0, join }

  pass.restore(snapshot.memory)
  checkMemoryFits(pass.memory.highestDevice, state)
  if (evaluator === undefined) return { position, stored, recorded, judged: position, join }
  if (snapshot.evaluator === undefined) introduce(evaluator, pass.memory, position)
  else evaluator.decode(snapshot.evaluator.bytes)
  return { position, stored, recorded, judged: snapshot.evaluator?.position ?? position, join }
}

/** Undefined: the store is on a server that is out of reach for now. */
async function openReadings({ readings, logger }: RestoreDeps): Promise<StoreMarks | undefined> {
  if (!readings.remote) return readings.open()
  let outcome: { readonly marks: StoreMarks } | { readonly error: unknown } | undefined
  const opening = readings.open().then(
    (marks) => {
      outcome = { marks }
    },
    (error: unknown) => {
      outcome = { error }
    },
  )
  await within(opening, reachMs)
  if (outcome !== undefined && 'marks' in outcome) return outcome.marks
  const error = outcome?.error
  if (error !== undefined && (!isAppError(error) || !error.retryable)) throw error
  logger.warn(
    { err: error },
    'readings store is out of reach; ingest begins without it, the log keeps what it is to have',
  )
  return undefined
}

/** What could not be asked at the start. */
async function joinReadings({ readings, logId, log, ledger, series }: RestoreDeps, beyond: number): Promise<void> {
  const marks = await readings.open()
  const rejected = await ledger.position(consumerName)
  checkFit({ logId, log: log.stats(), readings: marks, rejected, recorded: 0, state: await series.highest() })
  if (marks.position < beyond)
    throw new AppError('store_emptied', `store readings failed: the store has them up to ${marks.position} only`)
}

function warnOfLoss(logger: Logger, { position }: StoreMarks, snapshot: Snapshot): void {
  logger.warn(
    { readings: position, from: snapshot.position },
    'readings store is new, or has lost what it had; what the log still has is stored again',
  )
}

/** The memory is older than the evaluator: it is told what there is as if it had been there from the beginning. */
function introduce(evaluator: Evaluator, memory: Memory, position: number): void {
  evaluator.beginFrame(memory.nowMs, position)
  for (const [id, { bytes }] of memory.profiles) evaluator.control(controlTopic.profile(id), bytes)
  for (const [id, { recordBytes }] of memory.devices) evaluator.control(controlTopic.device(id), recordBytes)
}
