import type { FaultFactory } from './fault.ts'

const variants = ['hangs', 'dies', 'pauses'] as const
/** Not long enough for anybody to notice. */
const pauseIntervals = 1.5

/**
 * Nothing comes from the device: its firmware hangs behind an open connection, or its power is gone, and an alert must
 * say so; or it merely pauses, and none must.
 */
export const createSilence: FaultFactory = (firmware, episode) => {
  const { device, reportingIntervalMs, measure, report } = firmware
  const variant = variants[episode % variants.length] ?? 'hangs'
  let sinceMs: number | undefined
  return {
    tick(nowMs) {
      if (sinceMs === undefined && variant === 'dies') device.drop()
      sinceMs ??= nowMs
      if (variant === 'pauses' && nowMs - sinceMs >= pauseIntervals * reportingIntervalMs) report([measure(nowMs)])
    },
    end() {
      if (variant === 'dies' && sinceMs !== undefined) device.comeBack()
    },
  }
}
