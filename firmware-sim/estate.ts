import { createHousehold, createMeter1ph } from './signals/meter-1ph.ts'
import { createMeter3ph } from './signals/meter-3ph.ts'
import { type SimulatedProfile, signalOfProfile } from './signals/profiles.ts'
import type { Signal, SignalOptions } from './signals/signal.ts'
import { createTransformer } from './signals/transformer.ts'
import { createWeatherStation } from './signals/weather-station.ts'

/** A place where something is measured. */
export interface MeasuringPoint {
  /** What the device is called after the fleet's prefix; unique in the estate. */
  readonly name: string
  readonly profile: SimulatedProfile
  readonly signal: Signal
}

/** Each point's seeds lie so far apart. */
const seedStep = 1_000
/** A panel has a load on each phase; a transformer feeds up to three panels. */
const perPanel = 1 + 3
const perTransformer = 1 + 3 * perPanel
/** Fewer points than these are no place for a weather station, or a transformer. */
const least = { forWeather: 6, forTransformer: 5 }

/**
 * Points that belong together: loads behind panels, panels behind transformers, each the sum of what is behind it and
 * fed by what is before it; and one weather station.
 */
export function createEstate(points: number, options: SignalOptions): MeasuringPoint[] {
  let seeds = 0
  const seeded = (): SignalOptions => ({ ...options, seed: options.seed + seedStep * seeds++ })
  const weather: MeasuringPoint[] =
    points < least.forWeather
      ? []
      : [{ name: 'weather', profile: 'weather-station', signal: createWeatherStation(seeded()) }]
  const estate = [...weather]
  for (let group = 1; estate.length < points; group++) {
    estate.push(...createGroup(String(group), Math.min(perTransformer, points - estate.length), seeded))
  }
  return estate
}

/** Points of one profile that have nothing to do with each other. */
export function createStandalonePoints(
  profile: SimulatedProfile,
  points: number,
  options: SignalOptions,
): MeasuringPoint[] {
  return Array.from({ length: points }, (_, i) => ({
    name: String(i + 1),
    profile,
    signal: signalOfProfile[profile]({ ...options, seed: options.seed + seedStep * i }),
  }))
}

/** What one transformer feeds; a group too small for one is fed by its largest imaginable. */
function createGroup(name: string, size: number, seeded: () => SignalOptions): MeasuringPoint[] {
  if (size === 1) return [{ name: `load-${name}`, profile: 'meter-1ph', signal: createMeter1ph(seeded()) }]
  const transformers = size < least.forTransformer ? 0 : 1
  const panels = Math.ceil((size - transformers) / perPanel)
  const loads = Array.from({ length: size - transformers - panels }, () => {
    const options = seeded()
    return { options, load: createHousehold(options) }
  })
  const transformer = createTransformer(seeded(), { loads: loads.map(({ load }) => load) })
  const points: MeasuringPoint[] =
    transformers === 0 ? [] : [{ name: `transformer-${name}`, profile: 'transformer', signal: transformer }]
  for (let panel = 0; panel < panels; panel++) {
    const behind = loads.filter((_, i) => i % panels === panel)
    const supply = transformer.supply
    const signal = createMeter3ph(seeded(), { loads: behind.map(({ load }) => load), supply })
    points.push({ name: `panel-${name}-${panel + 1}`, profile: 'meter-3ph', signal })
    for (const [i, { options, load }] of behind.entries()) {
      const meter = createMeter1ph(options, { load, supply })
      points.push({ name: `load-${name}-${panel + 1}-${i + 1}`, profile: 'meter-1ph', signal: meter })
    }
  }
  return points
}
