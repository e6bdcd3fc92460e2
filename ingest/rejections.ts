import type { DeviceId } from '../model/index.ts'
import type { Counters } from './counters.ts'
import type { DeviceMemory } from './memory/device-memory.ts'
import type { Memory } from './memory/memory.ts'
import type { RejectReason } from './ports.ts'
import type { Step } from './step.ts'

/** Entries listed per device and second of received time; the rest is counted. */
const listedPerSecond = 100
const payloadKept = 4096
const detailKept = 500
const topicKept = 1024

export interface Rejection {
  /** Whose share of the list it takes: the device, or who sent it; undefined: everybody else's. */
  readonly share: DeviceMemory | undefined
  readonly deviceId: DeviceId | null
  readonly clientId: string
  readonly topic: string
  readonly reason: RejectReason
  readonly detail: string
  readonly payload: Uint8Array
}

export interface Rejections {
  /** Lists the message, unless its device has had its share of this second. */
  add(rejection: Rejection, step: Step): void
}

/** The list of what could not be used, itself safe against floods. */
export function createRejections(memory: Memory, counters: Counters): Rejections {
  /** Part of the memory, so that reading the same frames again lists the same ones. */
  function mayList(share: DeviceMemory | Memory['nobody'], receivedMs: number): boolean {
    const second = Math.floor(receivedMs / 1000)
    if (share.rejectedSecond !== second) {
      share.rejectedSecond = second
      share.rejectedInSecond = 0
    }
    if (share.rejectedInSecond >= listedPerSecond) return false
    share.rejectedInSecond++
    return true
  }

  return {
    add({ share, deviceId, clientId, topic, reason, detail, payload }, { frame, effects, newRejections }) {
      const { receivedMs } = frame
      const listed = mayList(share ?? memory.nobody, receivedMs)
      if (!newRejections) return
      counters.rejected[reason]++
      if (!listed) counters.rejectedUnlisted++
      else
        effects.rejected.push({
          timeMs: receivedMs,
          deviceId,
          clientId,
          topic: topic.slice(0, topicKept),
          reason,
          detail: detail.slice(0, detailKept),
          payload: Uint8Array.from(payload.subarray(0, payloadKept)),
        })
    },
  }
}
