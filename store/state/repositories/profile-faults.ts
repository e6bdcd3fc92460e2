import type { FieldError, Metric, ProfileRecord } from '../../../model/index.ts'

/** What makes a profile impossible to work with; empty when nothing does. */
export function profileFaults(profile: ProfileRecord): readonly FieldError[] {
  const faults: FieldError[] = []
  const interval = profile.reportingIntervalMs
  if (!Number.isSafeInteger(interval) || interval <= 0)
    faults.push({ field: 'reportingIntervalMs', message: 'must be a positive whole number' })
  const names = new Set<string>()
  for (const [i, metric] of profile.metrics.entries()) {
    const at = (field: keyof Metric) => `metrics/${i}/${field}`
    if (names.has(metric.name)) faults.push({ field: at('name'), message: `is ${metric.name} a second time` })
    names.add(metric.name)
    if (!(metric.min < metric.max)) faults.push({ field: at('max'), message: 'must be above min' })
    if (metric.maxRatePerS !== null && !(metric.maxRatePerS > 0))
      faults.push({ field: at('maxRatePerS'), message: 'must be positive, or null for any rate' })
    if (!(metric.multiplier > 0)) faults.push({ field: at('multiplier'), message: 'must be positive' })
    faults.push(...registerFaults(metric, at))
  }
  return faults
}

/** 15 decimal digits are what a 64-bit float holds exactly. */
const maxDigits = 15

function registerFaults(metric: Metric, at: (field: keyof Metric) => string): FieldError[] {
  const faults: FieldError[] = []
  const { digits, kind } = metric
  if (kind === 'register' && (digits === null || !Number.isInteger(digits) || digits < 1 || digits > maxDigits))
    faults.push({ field: at('digits'), message: `must be 1 to ${maxDigits} for a register` })
  if (kind !== 'register' && digits !== null)
    faults.push({ field: at('digits'), message: `must be null for a ${kind}: it does not roll over` })
  if (kind !== 'register' && metric.multiplier !== 1)
    faults.push({ field: at('multiplier'), message: `must be 1 for a ${kind}` })
  return faults
}
