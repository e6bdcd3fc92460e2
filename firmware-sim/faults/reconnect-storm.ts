import type { FaultFactory } from './fault.ts'

const outages = 3
/** A device is away for so long, part of it by chance: they do not all come back at once, but nearly. */
const awayMs = { least: 200, more: 1_200 }

/**
 * The network goes away for all devices with this fault, and comes back, several times: wills are published, hundreds
 * connect at once, and what was measured meanwhile comes as a backlog. Nothing is missing and nobody is alarmed.
 */
export const createReconnectStorm: FaultFactory = ({ device, measure, report, random }) => {
  let outage = 0
  let backAtMs: number | undefined
  return {
    tick(nowMs, share) {
      if (outage < outages && share >= outage / outages && backAtMs === undefined) {
        outage++
        device.drop()
        backAtMs = nowMs + awayMs.least + random() * awayMs.more
      } else if (backAtMs !== undefined && nowMs >= backAtMs) {
        device.comeBack()
        backAtMs = undefined
      }
      report([measure(nowMs)])
    },
    end() {
      if (backAtMs !== undefined) device.comeBack()
    },
  }
}
