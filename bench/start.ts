import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { connectAsync } from 'mqtt'
import { createPlatform, type Platform } from '../test/scenario/platform.ts'
import { waitUntil } from '../test/setup/wait.ts'
import type { Bench } from './bench.ts'
import { memoryMb } from './process-stats.ts'
import { startRawGenerator } from './raw-generator.ts'

const idleMs = 10_000
const history = { seconds: 3, window: 100 }

interface Credentials {
  readonly id: string
  readonly token: string
}

/**
 * From the start of the process to the first PUBACK: on a fresh folder (the device is registered on the way), on one
 * with history after a graceful stop, and on the same after a kill. The worst of them counts. Then memory at rest.
 */
export const benchStart: Bench = async ({ say }) => {
  await using platform = createPlatform({ env: { LOG_LEVEL: 'warn' } })
  const { device, firstPubackMs: freshMs } = await startFresh(platform)
  say(`fresh folder: first PUBACK after ${freshMs.toFixed(0)} ms`)

  await makeHistory(platform, device)
  await platform.stop()
  const stoppedMs = await restart(platform, device)
  say(`existing folder, stopped gracefully: ${stoppedMs.toFixed(0)} ms`)

  await platform.kill()
  const killedMs = await restart(platform, device)
  say(`existing folder, killed: ${killedMs.toFixed(0)} ms`)

  await platform.kill()
  await platform.start()
  await delay(idleMs)
  const { rss, rssAnon } = memoryMb(platform.pid)
  say(`idle for ${idleMs / 1_000} s: RSS ${rss.toFixed(0)} MB, anonymous ${rssAnon.toFixed(0)} MB`)
  return {
    firstPubackMs: Math.round(Math.max(freshMs, stoppedMs, killedMs)),
    idleRssMb: Math.round(rss),
    idleRssAnonMb: Math.round(rssAnon),
    freshMs: Math.round(freshMs),
    stoppedMs: Math.round(stoppedMs),
    killedMs: Math.round(killedMs),
  }
}

async function startFresh(platform: Platform) {
  const startMs = performance.now()
  await platform.start()
  const device = await platform.client.createDevice({ id: 'first', profileId: 'meter-1ph' })
  await publishOne(platform, device)
  return { device, firstPubackMs: performance.now() - startMs }
}

/** The port is known, so nothing waits for the ready line: a device would not either. */
async function restart(platform: Platform, device: Credentials): Promise<number> {
  const startMs = performance.now()
  platform.launch()
  await waitUntil('the MQTT port', () => canConnect(platform.mqttPort), { everyMs: 5 })
  await publishOne(platform, device)
  const firstPubackMs = performance.now() - startMs
  await waitUntil('the API', () => platform.client.status())
  return firstPubackMs
}

async function publishOne({ mqttPort }: Platform, { id, token }: Credentials): Promise<void> {
  const client = await connectAsync(`mqtt://127.0.0.1:${mqttPort}`, {
    clientId: `${id}-start`,
    username: id,
    password: token,
    reconnectPeriod: 0,
  })
  await client.publishAsync(`pel/v1/${id}/telemetry`, JSON.stringify({ voltage: 229.8 }), { qos: 1 })
  await client.endAsync(true)
}

async function makeHistory({ mqttPort: port }: Platform, { id, token }: Credentials): Promise<void> {
  const connections = [{ clientId: id, username: id, password: token, devices: [id] }]
  await startRawGenerator({ port, connections, startMs: Date.now() - 3_600_000, ...history }).summary
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
