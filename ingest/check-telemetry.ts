import { setImmediate as nextTurn } from 'node:timers/promises'
import PQueue from 'p-queue'
import { AppError, type DeviceRecord, parseMetricName } from '../model/index.ts'
import type { IngestConfig } from './config.ts'
import { decodeNativeText } from './decoders/native-json.ts'
import { describeProblem, MessageDraft } from './draft.ts'
import { DeviceMemory } from './memory/device-memory.ts'
import { ProfileRules } from './memory/metric-rule.ts'
import type { RejectReason } from './ports.ts'
import { rowSlices } from './row-slices.ts'

/** Why a message could not be used as it is, in the words of the rejected list. */
export interface TelemetryFault {
  readonly reason: RejectReason
  readonly detail: string
}

/**
 * Everything for which native telemetry would be listed as rejected if it came now, as far as the message itself tells;
 * empty: it can be used whole. What depends on what else the device has sent (too many metrics, too fast) ingest finds.
 * Of a long message it tells what is wrong in the first part in which something is, and others have their turn meanwhile;
 * it rejects with `store_unavailable`, retryable, where too many of those wait.
 */
export type CheckTelemetry = (
  payload: Uint8Array,
  device: DeviceRecord,
  receivedMs: number,
) => Promise<readonly TelemetryFault[]>

const nothing = new Uint8Array(0)
const noSeries = 0
/** What is longer is looked at in parts of that length, some 2 ms each at the worst, after other long ones. */
const longBytes = 16 * 1024
/** Long ones that wait for one another. */
const mostWaitingBytes = 32 * 1024 * 1024
/** Then others have their turn. */
const turnMs = 5

type Settings = Pick<IngestConfig, 'maxMetrics' | 'lateHorizonMs' | 'maxPayloadBytes' | 'stuckIntervals'>

/** For threads that have no memory of devices: the decoder is ingest's own, what it reads goes nowhere. */
export function createTelemetryCheck(config: Settings, shortBytes = longBytes): CheckTelemetry {
  const { maxMetrics, lateHorizonMs, maxPayloadBytes } = config
  const unknown = new ProfileRules(undefined, config)
  const addMetric = (device: DeviceMemory, name: string) =>
    device.addMetric(parseMetricName(name), unknown.of(name), noSeries)
  /** Of long ones there is one at a time, or their turns would add up. */
  const long = new PQueue({ concurrency: 1 })
  let waitingBytes = 0

  async function inTurn(bytes: Buffer, draft: MessageDraft): Promise<readonly TelemetryFault[]> {
    if (waitingBytes + bytes.length > mostWaitingBytes) {
      const text = `look at ${bytes.length} bytes of telemetry failed: ${long.size} such messages wait already`
      throw new AppError('store_unavailable', text, { retryable: true })
    }
    waitingBytes += bytes.length
    try {
      return await long.add(() => checkLong(bytes, draft, shortBytes))
    } finally {
      waitingBytes -= bytes.length
    }
  }

  return async (payload, device, receivedMs) => {
    if (payload.length > maxPayloadBytes) return [{ reason: 'payload_too_large', detail: `${payload.length} bytes` }]
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
    const draft = new MessageDraft(new DeviceMemory(device, nothing), { maxMetrics, lateHorizonMs, addMetric })
    draft.begin(draft.device, receivedMs)
    if (bytes.length > shortBytes) return inTurn(bytes, draft)
    decodeNativeText(bytes.toString(), draft)
    return faultsOf(draft)
  }
}

function faultsOf(draft: MessageDraft): readonly TelemetryFault[] {
  return [...draft.problems].map(([reason, problem]) => ({ reason, detail: describeProblem(problem) }))
}

async function checkLong(bytes: Buffer, draft: MessageDraft, partBytes: number): Promise<readonly TelemetryFault[]> {
  let beganMs = performance.now()
  for (const slice of rowSlices(bytes, partBytes)) {
    if (slice.kind === 'fault') return [slice]
    if (slice.kind === 'whole') decodeNativeText(bytes.toString(), draft)
    else decodeNativeText(`[${bytes.toString('utf8', slice.from, slice.to)}]`, draft)
    if (draft.problems.size > 0) return faultsOf(draft)
    // What it holds was only looked at; the metrics that it has met stay known.
    draft.clear()
    if (performance.now() - beganMs < turnMs) continue
    await nextTurn()
    beganMs = performance.now()
  }
  return []
}
