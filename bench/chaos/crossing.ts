import { createDevice, type DeviceHistory } from '../../firmware-sim/index.ts'
import { createLatencyHistogram } from '../../model/index.ts'
import type { Platform } from '../../test/scenario/platform.ts'
import { type Ledger, markAcked, type SentMessage } from './ledger.ts'
import type { ChaosClient } from './mqtt-client.ts'

/** A device whose readings make alerts: what must come of it follows from its history and the rules. */
export interface CrossingClient extends ChaosClient {
  readonly history: DeviceHistory
}

const id = 'crossing'
const profileId = 'meter-1ph'
const metric = 'voltage'
/** Across the limits that the default rules have for a single phase, and back: four steps of an alert in five readings. */
const values = [230, 256, 268, 256, 230] as const
/** So that some hundred mails a minute go out, and their server is never the one who is behind. */
const pauseMs = 60
const minuteMs = 60_000

/**
 * One reading at a time, the next after the acknowledgement of the one before: the order in which the platform gets them
 * is the order in which they are sent. Each value beyond a limit is a little different, so that each step of each alert
 * is known by its value.
 */
export async function startCrossingClient(
  { client, mqttPort }: Platform,
  ledger: Ledger,
  startMs: number,
): Promise<CrossingClient> {
  const fromMs = Date.now()
  const { token } = await client.createDevice({ id, profileId })
  const registered = { fromMs, toMs: Date.now() }
  const options = { mqttUrl: `mqtt://127.0.0.1:${mqttPort}`, id, token, qos: 1, clean: false } as const
  const device = createDevice({ ...options, maxWaiting: 1, remember: true }, createLatencyHistogram())
  let serial = 0
  let waiting: SentMessage | undefined
  let finishing: (() => void) | undefined

  function publishNext(): void {
    serial++
    const timeMs = startMs + serial
    const value = (values[serial % values.length] ?? 0) + serial / 100_000
    const reading = { deviceId: id, metric, timeMs, value, acked: false }
    const payload = JSON.stringify({ ts: timeMs, values: { [metric]: value } })
    waiting = { topic: '', payload, readings: [reading] }
    ledger.record(waiting)
    device.send({ payload, rows: [{ timeMs, values: { [metric]: value }, clock: 'own' }] })
  }

  function tick(): void {
    if (device.counts.acked < serial) return
    if (waiting !== undefined) markAcked(waiting)
    waiting = undefined
    if (finishing === undefined) publishNext()
    else finishing()
  }

  await device.start()
  publishNext()
  const timer = setInterval(tick, pauseMs)
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
    finish: () =>
      new Promise((resolve) => {
        finishing = resolve
      }),
    async close() {
      clearInterval(timer)
      await device.stop()
    },
  }
}
