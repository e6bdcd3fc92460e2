/** A bucket of a local calendar: so many of a unit. Up to a day they divide it from midnight; longer ones are whole days. */
export interface BucketSize {
  readonly count: number
  readonly unit: BucketUnit
}

const unitOf = { s: 'second', m: 'minute', h: 'hour', d: 'day', w: 'week', mo: 'month', y: 'year' } as const
export type BucketUnit = (typeof unitOf)[keyof typeof unitOf]

/** Largest count of each unit; sub-day buckets end with their day. */
const maxCount: Readonly<Record<BucketUnit, number>> = {
  second: 86_400,
  minute: 1_440,
  hour: 24,
  day: 366,
  week: 52,
  month: 120,
  year: 100,
}

export const bucketPattern = /^([1-9]\d{0,4})(s|mo|m|h|d|w|y)$/

/** `15m`, `1h`, `1d`, `1w`, `1mo`, `1y`; undefined for anything else. */
export function parseBucketSize(text: string): BucketSize | undefined {
  const [, digits, letters] = bucketPattern.exec(text) ?? []
  if (digits === undefined || !isUnit(letters)) return undefined
  const size = { count: Number(digits), unit: unitOf[letters] }
  return size.count <= maxCount[size.unit] ? size : undefined
}

function isUnit(letters: string | undefined): letters is keyof typeof unitOf {
  return letters !== undefined && Object.hasOwn(unitOf, letters)
}

const unitMs: Readonly<Record<BucketUnit, number>> = {
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 7 * 86_400_000,
  month: 30 * 86_400_000,
  year: 365 * 86_400_000,
}

/** About how long one is; months and years differ. */
export function nominalMs({ count, unit }: BucketSize): number {
  return count * unitMs[unit]
}

const lettersOf: Readonly<Record<BucketUnit, string>> = {
  second: 's',
  minute: 'm',
  hour: 'h',
  day: 'd',
  week: 'w',
  month: 'mo',
  year: 'y',
}

/** `15m`, as `parseBucketSize` reads it. */
export function formatBucketSize({ count, unit }: BucketSize): string {
  return `${count}${lettersOf[unit]}`
}
