import type { Device } from './device.ts'
import type { MeasuringPoint } from './estate.ts'
import { type Fault, type FaultyFirmware, payloadOf } from './faults/fault.ts'
import { type FaultKind, factsOf } from './faults/faults.ts'
import type { Episode } from './faults/plan.ts'
import type { SentMessage, SentRow } from './truth/history.ts'

export interface FirmwareOptions {
  readonly device: Device
  readonly point: MeasuringPoint
  readonly reportingIntervalMs: number
  /** What goes wrong with it, and when; undefined: nothing. */
  readonly fault: { readonly kind: FaultKind; readonly episodes: readonly Episode[] } | undefined
  /** In [0, 1). */
  random(): number
}

/** What runs in a device: it measures and reports, keeps what it cannot report, and now and then has a fault. */
export interface Firmware {
  readonly device: Device
  /** The fault that it has at this moment. */
  readonly faulty: FaultKind | undefined
  /** Measurements not taken because too much waited for its acknowledgement, or lost from a full memory. */
  readonly skipped: number
  /** Measurements that wait for a connection. */
  readonly kept: number
  /** Epoch ms, and ms since the fleet started. */
  tick(nowMs: number, elapsedMs: number): void
  /** Nothing more will go wrong, and what was kept is reported. */
  recover(): void
}

/** Measurements that it can keep while it is offline, and how many of them it puts into one message. */
const memory = { rows: 2_000, perMessage: 50 }

export function createFirmware({ device, point, fault, random, reportingIntervalMs }: FirmwareOptions): Firmware {
  const { signal, profile } = point
  const kept: SentRow[] = []
  let skipped = 0
  let lastMs = 0
  let awaited: SentMessage | undefined
  let episode = 0
  let active: Fault | undefined

  function send(rows: readonly SentRow[]): void {
    device.send({ payload: payloadOf(rows), rows })
  }

  function reportKept(): void {
    while (kept.length > 0 && device.connected && !device.busy) send(kept.splice(0, memory.perMessage))
  }

  const firmware: FaultyFirmware = {
    device,
    profile,
    reportingIntervalMs,
    random,
    measure(nowMs, forced) {
      // Two measurements of one millisecond would be one reading.
      lastMs = Math.max(nowMs, lastMs + 1)
      return { timeMs: lastMs, values: signal.sample(lastMs, forced), clock: 'own' }
    },
    report(rows) {
      reportKept()
      if (device.connected && kept.length === 0) send(rows)
      else {
        kept.push(...rows)
        skipped += kept.splice(0, kept.length - memory.rows).length
      }
    },
    waitFor(message) {
      awaited = message
    },
  }

  /** False: it waits for an acknowledgement, or for many. */
  function isReady(): boolean {
    if (awaited !== undefined) {
      if (awaited.ackedMs === undefined) return false
      lastMs = Math.max(lastMs, awaited.ackedMs)
      awaited = undefined
    }
    if (!device.busy) return true
    skipped++
    return false
  }

  function endEpisode(): void {
    if (active === undefined) return
    active.end()
    active = undefined
    episode++
  }

  return {
    device,
    get faulty() {
      return active === undefined ? undefined : fault?.kind
    },
    get skipped() {
      return skipped
    },
    get kept() {
      return kept.length
    },
    tick(nowMs, elapsedMs) {
      if (!isReady()) return
      const current = fault?.episodes[episode]
      if (current !== undefined && elapsedMs >= current.toMs) endEpisode()
      if (fault !== undefined && current !== undefined && elapsedMs >= current.fromMs && elapsedMs < current.toMs) {
        active ??= factsOf(fault.kind).create(firmware, episode)
        active.tick(nowMs, (elapsedMs - current.fromMs) / (current.toMs - current.fromMs))
      } else firmware.report([firmware.measure(nowMs)])
    },
    recover() {
      endEpisode()
      reportKept()
    },
  }
}
