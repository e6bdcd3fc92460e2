/**
 * What is remembered of each series of a device, as runs of numbers in one Float64Array: the series of one message lie
 * side by side, and a snapshot copies them as they are.
 */
export const cell = {
  /** Time, value and quality of the reading with the newest time; -Infinity: none yet. */
  lastTimeMs: 0,
  lastValue: 1,
  lastQuality: 2,
  /** The reading that a rate of change is measured from: the newest believable one, or a register's newest. */
  fromTimeMs: 3,
  fromValue: 4,
  /** Since when, and in how many readings, the last value has been the same. */
  sameSinceMs: 5,
  sameCount: 6,
  /** Silences of more than three reporting intervals so far. */
  gaps: 7,
} as const

export const cellsPerSeries = 8

export function clearCells(cells: Float64Array, slot: number): void {
  const at = slot * cellsPerSeries
  cells.fill(0, at, at + cellsPerSeries)
  cells[at + cell.lastTimeMs] = Number.NEGATIVE_INFINITY
  cells[at + cell.fromTimeMs] = Number.NEGATIVE_INFINITY
  cells[at + cell.sameSinceMs] = Number.NEGATIVE_INFINITY
}
