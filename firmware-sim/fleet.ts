import { setTimeout as delay } from 'node:timers/promises'
import { createDevice } from './device.ts'
import { type PlatformAccess, provision } from './provision.ts'
import { createLatencyHistogram } from './raw/latency-histogram.ts'
import { type SimulatedProfile, signalOfProfile } from './signals/profiles.ts'

export interface FleetOptions extends PlatformAccess {
  readonly mqttUrl: string
  /** Device ids are `{prefix}-{number}`. */
  readonly prefix: string
  readonly devices: number
  readonly profile: SimulatedProfile
  /** Messages a second of the whole fleet. */
  readonly ratePerS: number
  readonly durationMs: number
  readonly qos: 0 | 1 | 2
  readonly clean: boolean
  readonly seed: number
  readonly utcOffsetMs: number
}

export interface FleetSummary {
  readonly devices: number
  readonly sent: number
  readonly acked: number
  readonly unacked: number
  /** Samples not sent because too many before them still waited. */
  readonly skipped: number
  readonly reconnects: number
  readonly durationS: number
  readonly ackedPerS: number
  readonly ackP50Ms: number
  readonly ackP99Ms: number
}

const connectingAtOnce = 32
const tickMs = 10
const lastAcksMs = 10_000
const maxWaiting = 1_000

/**
 * Registers a fleet, connects it and lets its devices publish in turn at the rate until the time is over or the signal
 * comes. `onProgress` is called about once a second.
 */
export async function runFleet(
  options: FleetOptions,
  onProgress: (summary: FleetSummary) => void,
  stop: AbortSignal,
): Promise<FleetSummary> {
  const { mqttUrl, profile, qos, clean, seed, utcOffsetMs } = options
  const latencies = createLatencyHistogram()
  const ids = Array.from({ length: options.devices }, (_, i) => `${options.prefix}-${i + 1}`)
  const devices = (await provision(options, ids, profile)).map(({ id, token }, i) => {
    const signal = signalOfProfile[profile]({ seed: seed + i * 1_000, startMs: Date.now(), utcOffsetMs })
    return createDevice({ mqttUrl, id, token, qos, clean, maxWaiting }, signal, latencies)
  })
  let startMs = performance.now()

  function summary(): FleetSummary {
    const sum = (of: 'sent' | 'acked' | 'skipped' | 'reconnects') =>
      devices.reduce((total, { counts }) => total + counts[of], 0)
    const durationS = (performance.now() - startMs) / 1_000
    return {
      devices: devices.length,
      sent: sum('sent'),
      acked: sum('acked'),
      unacked: sum('sent') - sum('acked'),
      skipped: sum('skipped'),
      reconnects: sum('reconnects'),
      durationS,
      ackedPerS: Math.round(sum('acked') / durationS),
      ackP50Ms: latencies.percentileMs(0.5),
      ackP99Ms: latencies.percentileMs(0.99),
    }
  }

  try {
    for (let i = 0; i < devices.length; i += connectingAtOnce) {
      await Promise.all(devices.slice(i, i + connectingAtOnce).map((device) => device.start()))
    }
    startMs = performance.now()
    let published = 0
    let nextProgressMs = startMs + 1_000
    for (;;) {
      const elapsedMs = Math.min(performance.now() - startMs, options.durationMs)
      for (const due = Math.floor((elapsedMs * options.ratePerS) / 1_000); published < due; published++) {
        devices[published % devices.length]?.publish(Date.now())
      }
      if (performance.now() >= nextProgressMs) {
        onProgress(summary())
        nextProgressMs += 1_000
      }
      if (elapsedMs >= options.durationMs || stop.aborted) break
      await delay(tickMs)
    }
    const giveUpMs = performance.now() + lastAcksMs
    while (summary().unacked > 0 && performance.now() < giveUpMs && !stop.aborted) await delay(tickMs)
    return summary()
  } finally {
    await Promise.all(devices.map((device) => device.stop()))
  }
}
