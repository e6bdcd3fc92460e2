import type { DeviceId } from '../model/index.ts'
import { TokenBucket } from './rate.ts'

export interface PushRates {
  /** Counts one message; ms until there may be one, 0: now. A rate of 0 is none. */
  take(device: DeviceId, perS: number): number
}

/** Beyond it the device that was counted first is forgotten, and gets a fresh bucket. */
const maxDevices = 10_000

/** A push has no connection whose socket could be read more slowly, so it is refused above the rate. */
export function createPushRates(monotonicMs: () => number): PushRates {
  const buckets = new Map<DeviceId, { readonly perS: number; readonly bucket: TokenBucket }>()

  function bucketOf(device: DeviceId, perS: number, nowMs: number): TokenBucket {
    const known = buckets.get(device)
    if (known?.perS === perS) return known.bucket
    const [oldest] = known === undefined && buckets.size >= maxDevices ? buckets.keys() : []
    if (oldest !== undefined) buckets.delete(oldest)
    const bucket = new TokenBucket(perS, nowMs)
    buckets.set(device, { perS, bucket })
    return bucket
  }

  return {
    take(device, perS) {
      if (perS <= 0) return 0
      const nowMs = monotonicMs()
      return bucketOf(device, perS, nowMs).take(nowMs) ? 0 : Math.ceil(1000 / perS)
    },
  }
}
