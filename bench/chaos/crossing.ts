import type { DeviceHistory } from '../../firmware-sim/index.ts'
import type { Platform } from '../../test/scenario/platform.ts'
import { startCrossingDevice } from './crossing-device.ts'
import type { Ledger } from './ledger.ts'
import type { ChaosClient } from './mqtt-client.ts'

/** Crosses limits all the time. */
export interface CrossingClient extends ChaosClient {
  readonly history: DeviceHistory
}

/** Across the limits that the default rules have for a single phase, and back: four steps of an alert in five readings. */
const values = [230, 256, 268, 256, 230] as const
/** So that some hundred mails a minute go out, and their server is never the one who is behind. */
const pauseMs = 60

/** Each value beyond a limit is a little different, so that each step of each alert is known by its value. */
export async function startCrossingClient(
  platform: Platform,
  ledger: Ledger,
  startMs: number,
): Promise<CrossingClient> {
  const device = await startCrossingDevice(platform, ledger, startMs)
  let serial = 0
  let finishing: (() => void) | undefined

  function publishNext(): void {
    serial++
    device.publish((values[serial % values.length] ?? 0) + serial / 100_000)
  }

  function tick(): void {
    if (!device.settled()) return
    if (finishing === undefined) publishNext()
    else finishing()
  }

  publishNext()
  const timer = setInterval(tick, pauseMs)
  return {
    name: device.name,
    get acked() {
      return device.acked
    },
    history: device.history,
    finish: () =>
      new Promise((resolve) => {
        finishing = resolve
      }),
    async close() {
      clearInterval(timer)
      await device.close()
    },
  }
}
