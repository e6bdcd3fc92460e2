import { type DeviceRecord, parseMetricName } from '../model/index.ts'
import type { IngestConfig } from './config.ts'
import { decodeNativeJson } from './decoders/native-json.ts'
import { describeProblem, MessageDraft } from './draft.ts'
import { DeviceMemory } from './memory/device-memory.ts'
import { ProfileRules } from './memory/metric-rule.ts'
import type { RejectReason } from './ports.ts'

/** Why a message could not be used as it is, in the words of the rejected list. */
export interface TelemetryFault {
  readonly reason: RejectReason
  readonly detail: string
}

/**
 * Everything for which native telemetry would be listed as rejected if it came now, as far as the message itself tells;
 * empty: it can be used whole. What depends on what else the device has sent (too many metrics, too fast) ingest finds.
 */
export type CheckTelemetry = (
  payload: Uint8Array,
  device: DeviceRecord,
  receivedMs: number,
) => readonly TelemetryFault[]

const nothing = new Uint8Array(0)
const noSeries = 0

type Settings = Pick<IngestConfig, 'maxMetrics' | 'lateHorizonMs' | 'maxPayloadBytes' | 'stuckIntervals'>

/** For threads that have no memory of devices: the decoder is ingest's own, what it reads goes nowhere. */
export function createTelemetryCheck(config: Settings): CheckTelemetry {
  const { maxMetrics, lateHorizonMs, maxPayloadBytes } = config
  const unknown = new ProfileRules(undefined, config)
  const addMetric = (device: DeviceMemory, name: string) =>
    device.addMetric(parseMetricName(name), unknown.of(name), noSeries)

  return (payload, device, receivedMs) => {
    if (payload.length > maxPayloadBytes) return [{ reason: 'payload_too_large', detail: `${payload.length} bytes` }]
    const draft = new MessageDraft(new DeviceMemory(device, nothing), { maxMetrics, lateHorizonMs, addMetric })
    draft.begin(draft.device, receivedMs)
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
    decodeNativeJson({ bytes, start: 0, end: bytes.length, metric: '' }, draft)
    return [...draft.problems].map(([reason, problem]) => ({ reason, detail: describeProblem(problem) }))
  }
}
