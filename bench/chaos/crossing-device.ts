import { createDevice, type DeviceHistory } from '../../firmware-sim/index.ts'
import { createLatencyHistogram } from '../../model/index.ts'
import type { Platform } from '../../test/scenario/platform.ts'
import { type Ledger, markAcked, type SentMessage } from './ledger.ts'

/**
 * A device whose readings make alerts: what must come of it follows from its history and the rules. One reading at a time,
 * the next after the acknowledgement of the one before: the order in which the platform gets them is the order in which
 * they are sent.
 */
export interface CrossingDevice {
  readonly name: string
  readonly acked: number
  readonly history: DeviceHistory
  /** Only when settled. It is sent until it is acknowledged, however often the platform dies before. */
  publish(value: number): void
  /** Whether everything published is acknowledged; the ledger knows it from then on. */
  settled(): boolean
  close(): Promise<void>
}

export const crossingId = 'crossing'
const profileId = 'meter-1ph'
const metric = 'voltage'
const minuteMs = 60_000

export async function startCrossingDevice(
  { client, mqttPort }: Platform,
  ledger: Ledger,
  startMs: number,
): Promise<CrossingDevice> {
  const id = crossingId
  const fromMs = Date.now()
  const { token } = await client.createDevice({ id, profileId })
  const registered = { fromMs, toMs: Date.now() }
  const options = { mqttUrl: `mqtt://127.0.0.1:${mqttPort}`, id, token, qos: 1, clean: false } as const
  const device = createDevice({ ...options, maxWaiting: 1, remember: true }, createLatencyHistogram())
  let serial = 0
  let waiting: SentMessage | undefined
  await device.start()

  return {
    name: `${id} (QoS 1, persistent)`,
    get acked() {
      return device.counts.acked
    },
    history: {
      deviceId: id,
      siteId: 'main',
      profileId,
      reportingIntervalMs: minuteMs,
      registered,
      messages: device.messages,
    },
    publish(value) {
      serial++
      const timeMs = startMs + serial
      const payload = JSON.stringify({ ts: timeMs, values: { [metric]: value } })
      waiting = { topic: '', payload, readings: [{ deviceId: id, metric, timeMs, value, acked: false }] }
      ledger.record(waiting)
      device.send({ payload, rows: [{ timeMs, values: { [metric]: value }, clock: 'own' }] })
    },
    settled() {
      if (device.counts.acked < serial) return false
      if (waiting !== undefined) markAcked(waiting)
      waiting = undefined
      return true
    },
    close: () => device.stop(),
  }
}
