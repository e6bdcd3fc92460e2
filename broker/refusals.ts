import { type DeviceId, encodeOrigin, frameKind, nativeTopic, noSession } from '../model/index.ts'
import type { LogAppender } from '../store/log/index.ts'
import { TokenBucket } from './rate.ts'
import { appendUnawaited } from './unawaited.ts'

/** Why a PUBLISH, or the CONNECT of a device, was refused; the codes under which ingest lists it. */
export type RefusalReason = 'forbidden_topic' | 'payload_too_large' | 'topic_too_deep' | 'quarantined'

export interface Refusal {
  readonly reason: RefusalReason
  readonly principal: string
  readonly origin: Uint8Array
  readonly session: number
  readonly topic: Uint8Array
  /** As much of it as had arrived; of a CONNECT, which has no topic, where it came from. */
  readonly payload: Uint8Array
}

/** Telemetry that did not come by MQTT, and was answered with an error. */
export interface Refused {
  /** Whose readings they would have been. */
  readonly deviceId: DeviceId
  /** One of ingest's reasons. */
  readonly reason: string
  /** What exactly was wrong, for people. */
  readonly detail: string
  readonly payload: Uint8Array
}

export interface Refusals {
  /** Puts the refused message into the log, for the rejected list; at most ten a second and principal. */
  record(refusal: Refusal): void
  recordPush(refused: Refused): void
  /** All refusals, listed or not. */
  readonly total: number
}

/** `head`: the reason code, and what exactly was wrong where the reason leaves that open. */
type Headed = Omit<Refusal, 'reason'> & { readonly head: string }

const listedPerS = 10
const payloadBytesMax = 4096
/** Beyond it the principal that was refused first is forgotten, and gets a fresh bucket. */
const maxPrincipals = 10_000

export function createRefusals(appender: LogAppender, monotonicMs: () => number): Refusals {
  const buckets = new Map<string, TokenBucket>()
  let total = 0

  function bucketOf(principal: string, nowMs: number): TokenBucket {
    const known = buckets.get(principal)
    if (known !== undefined) return known
    const oldest = buckets.size >= maxPrincipals ? buckets.keys().next().value : undefined
    if (oldest !== undefined) buckets.delete(oldest)
    const bucket = new TokenBucket(listedPerS, nowMs)
    buckets.set(principal, bucket)
    return bucket
  }

  function record({ reason, ...refusal }: Refusal): void {
    append({ ...refusal, head: reason })
  }

  function append({ head, principal, origin, session, topic, payload }: Headed): void {
    total++
    const nowMs = monotonicMs()
    if (appender.full || !bucketOf(principal, nowMs).take(nowMs)) return
    const body = Buffer.concat([Buffer.from(`${head}\0`), payload.subarray(0, payloadBytesMax)])
    const frame = { kind: frameKind.refusal, flags: 0, packetId: 0, session, origin, topic, payload: body }
    appendUnawaited(appender, frame)
  }

  return {
    record,
    recordPush({ deviceId, reason, detail, payload }) {
      const topic = Buffer.from(nativeTopic.telemetry(deviceId))
      const head = `${reason}: ${detail}`.replaceAll('\0', ' ')
      append({ head, principal: deviceId, origin: encodeOrigin(deviceId, ''), session: noSession, topic, payload })
    },
    get total() {
      return total
    },
  }
}
