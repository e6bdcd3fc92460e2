import { setTimeout as delay } from 'node:timers/promises'
import { createLatencyHistogram } from '../model/index.ts'
import { createDevice, type Device } from './device.ts'
import type { MeasuringPoint } from './estate.ts'
import { type FaultKind, factsOf } from './faults/faults.ts'
import { assignFaults, type Episode, planEpisodes } from './faults/plan.ts'
import { createFirmware, type Firmware } from './firmware.ts'
import type { PlatformApi } from './platform-api.ts'
import { provision } from './provision.ts'
import { quickProfile } from './quick-profile.ts'
import { createRandom } from './signals/random.ts'
import type { DeviceHistory } from './truth/history.ts'

export interface FleetOptions {
  readonly mqttUrl: string
  /** Device ids are `{prefix}-{name of the point}`. */
  readonly prefix: string
  readonly points: readonly MeasuringPoint[]
  /** What goes wrong, with half of the devices. */
  readonly faults: readonly FaultKind[]
  /** Messages a second of the whole fleet. */
  readonly ratePerS: number
  readonly durationMs: number
  /** The devices connect one after the other during this first part of the duration. */
  readonly rampMs: number
  readonly qos: 0 | 1 | 2
  readonly clean: boolean
  readonly seed: number
  /** Whether everything sent is kept, to be compared later. */
  readonly remember: boolean
}

export interface FleetStatus {
  readonly devices: number
  readonly connected: number
  readonly sent: number
  readonly acked: number
  readonly unacked: number
  /** Measurements not taken because too much before them still waited. */
  readonly skipped: number
  readonly reconnects: number
  readonly durationS: number
  readonly ackedPerS: number
  readonly ackP50Ms: number
  readonly ackP99Ms: number
  /** How many devices have which fault at this moment. */
  readonly faulty: Readonly<Partial<Record<FaultKind, number>>>
}

export interface Fleet {
  readonly ids: readonly string[]
  status(): FleetStatus
  /**
   * Connects the devices and lets them publish until the time is over, or the signal comes, and all is acknowledged.
   * Until `stop` they stay connected, and those of the quick profile go on saying so: whoever asks what happened wants
   * no news meanwhile.
   */
  run(stop: AbortSignal): Promise<void>
  histories(): readonly DeviceHistory[]
  stop(): Promise<void>
}

const minuteMs = 60_000
const connectingAtOnce = 32
const tickMs = 10
const lastAcksMs = 30_000
const maxWaiting = 1_000
/** Share of its interval by which a device reports earlier or later. */
const jitter = 0.1

interface Member {
  readonly firmware: Firmware
  readonly history: DeviceHistory
  readonly intervalMs: number
  readonly random: () => number
  nextMs: number
}

/** Registers a fleet. Rejects before that when one of its faults would not fit into the duration. */
export async function createFleet(options: FleetOptions, api: PlatformApi): Promise<Fleet> {
  const { points, faults, ratePerS, durationMs, rampMs, seed } = options
  const latencies = createLatencyHistogram()
  const commonMs = (points.length / ratePerS) * 1_000
  const random = createRandom(seed)
  const assigned = assignFaults(points, faults, random)
  const seeds = points.map(() => Math.floor(random() * 2 ** 31))
  const togetherSeed = Math.floor(random() * 2 ** 31)

  const plans = points.map((point, i) => {
    const kind = assigned.get(i)
    const quick = kind === 'silence'
    const intervalMs = quick ? Math.min(commonMs, quickProfile.reportingIntervalMs) : commonMs
    const fault = kind === undefined ? undefined : { kind, episodes: episodesOf(kind, intervalMs, seeds[i] ?? 0) }
    return { point, quick, intervalMs, fault, random: createRandom((seeds[i] ?? 0) + 1) }
  })
  const unfit = plans.find(({ fault }) => fault?.episodes.length === 0)
  if (unfit?.fault !== undefined)
    throw new Error(`plan fault ${unfit.fault.kind} failed: it needs more time, or a higher rate`)
  // Those that are missed after seconds are registered last and connect first.
  plans.sort((one, other) => Number(one.quick) - Number(other.quick))

  function episodesOf(kind: FaultKind, intervalMs: number, ownSeed: number): Episode[] {
    const random = createRandom(factsOf(kind).together ? togetherSeed : ownSeed)
    return planEpisodes(kind, { fromMs: rampMs, toMs: durationMs, intervalMs, random })
  }

  const provisioned = await provision(
    api,
    plans.map(({ point, quick }) => ({
      id: `${options.prefix}-${point.name}`,
      profileId: quick ? quickProfile.id : point.profile,
    })),
  )
  const members: Member[] = plans.flatMap((plan, i) => {
    const { id, token, siteId, registered } = provisioned[i] ?? {}
    if (id === undefined || token === undefined || siteId === undefined || registered === undefined) return []
    const { mqttUrl, qos, clean, remember } = options
    const device = createDevice({ mqttUrl, id, token, qos, clean, maxWaiting, remember }, latencies)
    const { point, fault, random, intervalMs } = plan
    const reportingIntervalMs = plan.quick ? quickProfile.reportingIntervalMs : minuteMs
    const profileId = plan.quick ? quickProfile.id : point.profile
    const { messages } = device
    return {
      firmware: createFirmware({ device, point, fault, random, reportingIntervalMs }),
      history: { deviceId: id, siteId, profileId, reportingIntervalMs, registered, messages },
      intervalMs,
      random,
      nextMs: Number.POSITIVE_INFINITY,
    }
  })
  const devices: readonly Device[] = members.map(({ firmware }) => firmware.device)
  const connecting = members.toReversed()
  let startMs = performance.now()
  let failure: unknown
  let keepingAlive: NodeJS.Timeout | undefined

  function elapsedMs(): number {
    return performance.now() - startMs
  }

  async function connect(member: Member): Promise<void> {
    await member.firmware.device.start()
    member.nextMs = elapsedMs() + member.random() * member.intervalMs
  }

  /** Connects everyone, each at its time, a few at once; the others publish meanwhile. */
  async function ramp(stop: AbortSignal): Promise<void> {
    for (let i = 0; i < connecting.length && !stop.aborted; i += connectingAtOnce) {
      await delay(Math.max(0, (rampMs * i) / connecting.length - elapsedMs()))
      await Promise.all(connecting.slice(i, i + connectingAtOnce).map(connect))
    }
  }

  function tickAll(nowMs: number): void {
    for (const member of members) {
      while (member.nextMs <= nowMs) {
        member.firmware.tick(Date.now(), nowMs)
        member.nextMs += member.intervalMs * (1 + jitter * (2 * member.random() - 1))
      }
    }
  }

  function sayQuickOnesOnline(): void {
    for (const { firmware, history } of members) if (history.profileId === quickProfile.id) firmware.device.sayOnline()
  }

  const unacked = () => devices.reduce((sum, { counts }) => sum + counts.sent - counts.acked, 0)

  return {
    ids: devices.map(({ id }) => id),
    status() {
      const sum = (of: 'sent' | 'acked' | 'reconnects') => devices.reduce((total, { counts }) => total + counts[of], 0)
      const durationS = elapsedMs() / 1_000
      const faulty: Partial<Record<FaultKind, number>> = {}
      for (const { firmware } of members)
        if (firmware.faulty !== undefined) faulty[firmware.faulty] = (faulty[firmware.faulty] ?? 0) + 1
      return {
        devices: devices.length,
        connected: devices.filter(({ connected }) => connected).length,
        sent: sum('sent'),
        acked: sum('acked'),
        unacked: unacked(),
        skipped: members.reduce((total, { firmware }) => total + firmware.skipped, 0),
        reconnects: sum('reconnects'),
        durationS,
        ackedPerS: Math.round(sum('acked') / durationS),
        ackP50Ms: latencies.percentileMs(0.5),
        ackP99Ms: latencies.percentileMs(0.99),
        faulty,
      }
    },
    async run(stop) {
      startMs = performance.now()
      const ramping = ramp(stop).catch((error: unknown) => {
        failure = error
      })
      while (elapsedMs() < durationMs && !stop.aborted && failure === undefined) {
        tickAll(elapsedMs())
        await delay(tickMs)
      }
      await ramping
      if (failure !== undefined) throw failure
      keepingAlive = setInterval(sayQuickOnesOnline, quickProfile.reportingIntervalMs)
      const giveUpMs = performance.now() + lastAcksMs
      do {
        for (const { firmware } of members) firmware.recover()
        await delay(tickMs)
      } while (
        (unacked() > 0 || members.some(({ firmware }) => firmware.kept > 0)) &&
        performance.now() < giveUpMs &&
        !stop.aborted
      )
    },
    histories: () => members.map(({ history }) => history),
    async stop() {
      clearInterval(keepingAlive)
      await Promise.all(devices.map((device) => device.stop()))
    },
  }
}
