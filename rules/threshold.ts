import { severities } from '../model/index.ts'
import type { ThresholdRule } from './compile.ts'
import type { Findings } from './transition.ts'

/** One level that holds. */
export interface LevelState {
  /** Since when, on the series' clock. */
  readonly sinceMs: number
  /** Whether it has held for the rule's `for`; then it counts until it ceases, whatever the clock does. */
  readonly counts: boolean
}

/** By rank of severity; undefined: the level does not hold, or the rule has none. */
export type LevelStates = readonly (LevelState | undefined)[]

export const noLevels: LevelStates = severities.map(() => undefined)

/** The levels after a reading; the same array when nothing changed. */
export function judge(rule: ThresholdRule, states: LevelStates, timeMs: number, value: number): LevelStates {
  let next: (LevelState | undefined)[] | undefined
  for (const level of rule.levels) {
    const state = states[level.rank]
    const holds = rule.beyond(value, state === undefined ? level.value : level.clear)
    if (holds === (state !== undefined)) continue
    next ??= [...states]
    next[level.rank] = holds ? { sinceMs: timeMs, counts: rule.forMs === 0 } : undefined
  }
  return next ?? states
}

/**
 * The levels whose `for` has passed now count. The value was last heard at a time from which it holds until
 * `heldUntilMs`: what would take longer than that does not count.
 */
export function count(rule: ThresholdRule, states: LevelStates, nowMs: number, heldUntilMs: number): LevelStates {
  if (countAtMs(rule, states, heldUntilMs) > nowMs) return states
  return states.map((state) => {
    if (state === undefined || state.counts) return state
    const atMs = state.sinceMs + rule.forMs
    return atMs <= nowMs && atMs <= heldUntilMs ? { ...state, counts: true } : state
  })
}

/** When the next level begins to count; Infinity: none will. */
export function countAtMs(rule: ThresholdRule, states: LevelStates, heldUntilMs: number): number {
  let atMs = Number.POSITIVE_INFINITY
  for (const state of states) {
    if (state === undefined || state.counts) continue
    const each = state.sinceMs + rule.forMs
    if (each <= heldUntilMs && each < atMs) atMs = each
  }
  return atMs
}

/** Without those that do not count yet: what they were waiting for was not heard. */
export function onlyCounting(states: LevelStates): LevelStates {
  return states.every((state) => state === undefined || state.counts)
    ? states
    : states.map((state) => (state?.counts === true ? state : undefined))
}

/** Levels carried over to another version of the rule: of the severities that it still has. */
export function carryOver(rule: ThresholdRule, states: LevelStates): LevelStates {
  return states.map((state, rank) => (rule.levels.some((level) => level.rank === rank) ? state : undefined))
}

export function findings(states: LevelStates): Findings {
  let holding: Findings['holding'] = null
  let counting: Findings['counting'] = null
  for (let rank = states.length - 1; rank >= 0; rank--) {
    const state = states[rank]
    if (state === undefined) continue
    holding ??= severities[rank] ?? null
    if (state.counts) counting ??= severities[rank] ?? null
  }
  return { holding, counting }
}
