import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { createEstate, createStandalonePoints } from './estate.ts'
import type { FaultKind } from './faults/faults.ts'
import { createFleet, type FleetStatus } from './fleet.ts'
import { createPlatformApi, type PlatformAccess, type PlatformApi } from './platform-api.ts'
import { unregister } from './provision.ts'
import { ensureQuickProfile, readRules } from './quick-profile.ts'
import type { SimulatedProfile } from './signals/profiles.ts'
import { createPlatformView } from './verify/seen.ts'
import { type VerifyResult, verifyRun } from './verify/verify.ts'

export interface SimulateOptions extends PlatformAccess {
  readonly mqttUrl: string
  readonly prefix: string
  readonly devices: number
  /** `estate`: points that belong together; else so many of one profile. */
  readonly profile: SimulatedProfile | 'estate'
  readonly faults: readonly FaultKind[]
  readonly ratePerS: number
  readonly durationMs: number
  readonly rampMs: number
  readonly qos: 0 | 1 | 2
  readonly clean: boolean
  readonly seed: number
  readonly utcOffsetMs: number
  readonly verify: boolean
  /** Whether the devices are removed from the platform in the end. */
  readonly remove: boolean
  readonly recipients: readonly string[]
  /** About once a second; the second is how many of the fleet's alerts fire, if the platform says so. */
  onProgress(status: FleetStatus, alertsFiring: number | undefined): void
  say(line: string): void
}

export interface Simulation {
  readonly status: FleetStatus
  /** Undefined: nobody asked. */
  readonly result: VerifyResult | undefined
}

/** What was sent is kept in memory. */
const mostMessagesVerified = 2_000_000
const progressMs = 1_000
/** The platform's clock may be a little behind. */
const clockToleranceMs = 1_000

/** One run: registers a fleet, lets it publish, compares what came of it. */
export async function simulate(options: SimulateOptions, stop: AbortSignal): Promise<Simulation> {
  const { verify, say } = options
  if (verify && options.qos === 0) throw new Error('verify failed: QoS 0 is not acknowledged, so nothing is promised')
  if (verify && (options.ratePerS * options.durationMs) / 1_000 > mostMessagesVerified)
    throw new Error(`verify failed: more than ${mostMessagesVerified} messages; lower the rate or the duration`)
  const api = createPlatformApi(options)
  const fromMs = Date.now() - clockToleranceMs
  if (options.faults.includes('silence')) await ensureQuickProfile(api)
  const rules = verify ? await readRules(api) : []
  const fleet = await createFleet({ ...options, points: pointsOf(options), remember: verify }, api)
  const ids = new Set(fleet.ids)
  let alertsFiring: number | undefined
  const progress = setInterval(() => {
    options.onProgress(fleet.status(), alertsFiring)
    countFiring(api, ids).then(
      (count) => {
        alertsFiring = count
      },
      () => {
        alertsFiring = undefined
      },
    )
  }, progressMs)
  try {
    await fleet.run(stop)
    const status = fleet.status()
    clearInterval(progress)
    options.onProgress(status, alertsFiring)
    if (!verify) return { status, result: undefined }
    say('comparing what the platform has with what was sent')
    const view = createPlatformView(api, delay)
    const run = { devices: fleet.histories(), rules, recipients: options.recipients, fromMs }
    return { status, result: await verifyRun(run, view, delay) }
  } finally {
    clearInterval(progress)
    await fleet.stop()
    if (options.remove) await unregister(api, fleet.ids)
  }
}

function pointsOf({ profile, devices, seed, utcOffsetMs }: SimulateOptions) {
  const signals = { seed, utcOffsetMs, startMs: Date.now() }
  return profile === 'estate' ? createEstate(devices, signals) : createStandalonePoints(profile, devices, signals)
}

const firingSchema = z.object({ deviceId: z.string() })

async function countFiring(api: PlatformApi, ids: ReadonlySet<string>): Promise<number> {
  const firing = await Array.fromAsync(api.list(firingSchema, '/api/v1/alerts', { state: 'firing' }))
  return firing.filter(({ deviceId }) => ids.has(deviceId)).length
}
