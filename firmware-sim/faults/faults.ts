import type { SimulatedProfile } from '../signals/profiles.ts'
import { createBadPayload } from './bad-payload.ts'
import { createClockSkew } from './clock-skew.ts'
import { createDuplicates } from './duplicates.ts'
import type { FaultFactory } from './fault.ts'
import { createOutOfOrder } from './out-of-order.ts'
import { createOutOfRange } from './out-of-range.ts'
import { createReconnectStorm } from './reconnect-storm.ts'
import { createSilence } from './silence.ts'
import { createStuck } from './stuck.ts'

interface FaultKindFacts {
  readonly create: FaultFactory
  /** An episode lasts this long, or longer with a device that reports rarely. */
  readonly lengthMs: number
  /** Only devices of this profile get it. */
  readonly profile?: SimulatedProfile
  /** All devices have it at the same times. */
  readonly together?: true
}

export const faults = {
  // Long enough to be noticed even when the will is late: three intervals of the quick profile are 3 s.
  silence: { create: createSilence, lengthMs: 9_000, profile: 'meter-1ph' },
  'out-of-range': { create: createOutOfRange, lengthMs: 9_000 },
  stuck: { create: createStuck, lengthMs: 10_000 },
  duplicates: { create: createDuplicates, lengthMs: 6_000 },
  'out-of-order': { create: createOutOfOrder, lengthMs: 6_000 },
  'clock-skew': { create: createClockSkew, lengthMs: 8_000 },
  'bad-payload': { create: createBadPayload, lengthMs: 6_000 },
  'reconnect-storm': { create: createReconnectStorm, lengthMs: 6_000, together: true },
} as const satisfies Record<string, FaultKindFacts>

export type FaultKind = keyof typeof faults

export const faultKinds: readonly FaultKind[] = Object.keys(faults).filter(isFaultKind)

export function isFaultKind(name: string): name is FaultKind {
  return Object.hasOwn(faults, name)
}

export function factsOf(kind: FaultKind): FaultKindFacts {
  return faults[kind]
}
