import { nativeTopic, parseDeviceId } from '../../model/index.ts'
import type { SentMessage, SentReading } from './ledger.ts'

/**
 * `timed`: each message has its time; `backlog`: some carry several, as a device that was offline sends them;
 * `untimed`: a plain value, and the platform stamps it.
 */
export type PayloadKind = 'timed' | 'backlog' | 'untimed'

export interface MessageMaker {
  /** The next message. Messages under way at the same time come from different slots. */
  next(slot: number): SentMessage
}

const backlogLength = 3

/**
 * Messages of which no two readings can be confused: ascending times a millisecond apart, or values that are serial
 * numbers. Untimed values go to a metric of their slot: two of one metric in one millisecond would be one reading.
 */
export function createMessageMaker(device: string, kind: PayloadKind, startMs: number): MessageMaker {
  const deviceId = parseDeviceId(device)
  const topic = nativeTopic.telemetry(deviceId)
  let serial = 0

  function timedSample() {
    serial++
    return { ts: startMs + serial, values: { energy: serial / 1_000, voltage: 210 + (serial % 400) / 10 } }
  }

  function readingsOf({ ts, values }: ReturnType<typeof timedSample>): SentReading[] {
    return Object.entries(values).map(([metric, value]) => ({ deviceId, metric, timeMs: ts, value, acked: false }))
  }

  return {
    next(slot) {
      if (kind === 'untimed') {
        serial++
        const metric = `slot_${slot}`
        const payload = JSON.stringify({ [metric]: serial })
        return { topic, payload, readings: [{ deviceId, metric, timeMs: undefined, value: serial, acked: false }] }
      }
      const length = kind === 'backlog' && serial % 4 === 0 ? backlogLength : 1
      const samples = Array.from({ length }, timedSample)
      const payload = JSON.stringify(length === 1 ? samples[0] : samples)
      return { topic, payload, readings: samples.flatMap(readingsOf) }
    },
  }
}
