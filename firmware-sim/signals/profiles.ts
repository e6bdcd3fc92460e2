import { createMeter1ph } from './meter-1ph.ts'
import { createMeter3ph } from './meter-3ph.ts'
import type { Signal, SignalOptions } from './signal.ts'
import { createTransformer } from './transformer.ts'
import { createWeatherStation } from './weather-station.ts'

/** What can be simulated: one signal per built-in profile. */
export const signalOfProfile = {
  'meter-1ph': createMeter1ph,
  'meter-3ph': createMeter3ph,
  transformer: createTransformer,
  'weather-station': createWeatherStation,
} as const satisfies Record<string, (options: SignalOptions) => Signal>

export type SimulatedProfile = keyof typeof signalOfProfile

export function isSimulatedProfile(name: string): name is SimulatedProfile {
  return Object.hasOwn(signalOfProfile, name)
}
