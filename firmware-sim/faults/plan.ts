import type { MeasuringPoint } from '../estate.ts'
import { type FaultKind, factsOf } from './faults.ts'

/** When a device has its fault; ms since the fleet started. */
export interface Episode {
  readonly fromMs: number
  readonly toMs: number
}

export interface PlanOptions {
  /** From when on, and until when, the device publishes. */
  readonly fromMs: number
  readonly toMs: number
  /** How often it measures. */
  readonly intervalMs: number
  /** In [0, 1); decides the pauses. */
  random(): number
}

/** An episode is worth having from so many measurements on; so many healthy ones come before the first and after the last. */
const leastTicks = { inEpisode: 9, healthy: 3 }
const leastHealthyMs = 3_000
/** Of the devices, unless there are fewer than twice as many as faults. */
const faultyShare = 0.5

/** Episodes with pauses between, as many as fit; all is healthy in the beginning and in the end. Empty: none fits. */
export function planEpisodes(kind: FaultKind, { fromMs, toMs, intervalMs, random }: PlanOptions): Episode[] {
  const lengthMs = Math.max(factsOf(kind).lengthMs, leastTicks.inEpisode * intervalMs)
  const healthyMs = Math.max(leastHealthyMs, leastTicks.healthy * intervalMs)
  const endMs = toMs - healthyMs
  const episodes: Episode[] = []
  const spareMs = endMs - (fromMs + healthyMs + lengthMs)
  let at = fromMs + healthyMs + Math.min(Math.max(0, spareMs), lengthMs) * random()
  while (at + lengthMs <= endMs) {
    episodes.push({ fromMs: at, toMs: at + lengthMs })
    at += lengthMs + healthyMs + lengthMs * random()
  }
  return episodes
}

/**
 * Which points have which fault: at least one each if there are enough, half of them in all; the others stay healthy.
 * A fault goes to every kind of device before it goes to one a second time, as far as there are.
 */
export function assignFaults(
  points: readonly Pick<MeasuringPoint, 'profile'>[],
  kinds: readonly FaultKind[],
  random: () => number,
): ReadonlyMap<number, FaultKind> {
  const assigned = new Map<number, FaultKind>()
  const free = Map.groupBy(shuffled(points.keys(), random), (point) => points[point]?.profile)
  const wanted = Math.min(points.length, Math.max(kinds.length, Math.floor(points.length * faultyShare)))
  // The choosy ones first, or others may take what only they can use.
  const turns = [...kinds].sort((one, other) => Number(isChoosy(other)) - Number(isChoosy(one)))
  const had = new Map<string, number>()
  for (let turn = 0; turn < wanted; turn++) {
    const kind = turns[turn % turns.length]
    if (kind === undefined) break
    const { profile: only } = factsOf(kind)
    const timesHad = (profile: string | undefined) => had.get(`${kind} ${profile}`) ?? 0
    const [choice] = [...free]
      .filter(([profile, those]) => those.length > 0 && (only === undefined || profile === only))
      .sort(([one], [other]) => timesHad(one) - timesHad(other))
    const point = choice?.[1].pop()
    if (point === undefined) continue
    assigned.set(point, kind)
    had.set(`${kind} ${choice?.[0]}`, timesHad(choice?.[0]) + 1)
  }
  return assigned
}

function isChoosy(kind: FaultKind): boolean {
  return factsOf(kind).profile !== undefined
}

function shuffled(items: Iterable<number>, random: () => number): number[] {
  return [...items]
    .map((item) => ({ item, place: random() }))
    .sort((one, other) => one.place - other.place)
    .map(({ item }) => item)
}
