import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import packageJson from '../../package.json' with { type: 'json' }
import { loadConfig, type PlatformConfig } from '../config.ts'
import { troublePoint, utcOffsetMs } from '../demo/building.ts'
import { prepareDemoFolder } from '../demo/folder.ts'
import { freePort } from '../demo/free-port.ts'
import { demoInflux } from '../demo/influx.ts'
import { createProgress } from '../demo/progress.ts'
import { type CallApi, createCallApi, registerBuilding } from '../demo/register.ts'
import { startSimulator } from '../demo/simulator.ts'
import { createLogger } from '../logging.ts'
import { startPlatform } from '../platform.ts'

export interface DemoOptions {
  readonly data: string
  /** Days of history to begin with. */
  readonly days: number
}

const host = '127.0.0.1'
const dayMs = 86_400_000

/** A building to look at, on embedded defaults and loopback only, until a signal; with INFLUX_URL its readings are there. */
export async function demo({ data, days }: DemoOptions): Promise<void> {
  prepareDemoFolder(data)
  const [mqttPort, wsPort, httpPort] = [
    await freePort(1883, host),
    await freePort(8083, host),
    await freePort(8080, host),
  ]
  const config = loadConfig(
    {
      DATA_DIR: data,
      HOST: host,
      MQTT_PORT: String(mqttPort),
      MQTT_WS_PORT: String(wsPort),
      HTTP_PORT: String(httpPort),
      PUBLIC_URL: `http://${host}:${httpPort}`,
      LOG_LEVEL: 'warn',
      SITE_TIME_ZONE: 'Asia/Jakarta',
      SITE_CURRENCY: 'IDR',
      ALERT_EMAIL: 'operator@gedung-contoh.example',
      ...demoInflux(process.env, Date.now()),
    },
    // The demo's settings are its own, not those of an .env beside it.
    join(data, '.env'),
  )
  const logger = createLogger('warn', 'demo')
  const die = (error: Error) => {
    logger.fatal({ err: error }, 'demo failed')
    process.exit(1)
  }
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort())

  say(`PELBIoT demo: a building with fourteen meters, in ${data}\n`)
  const platform = await startPlatform(config, { version: packageJson.version, logger, onFailure: die })
  const { httpUrl } = platform
  const key = readFileSync(join(data, 'command-line.key'), 'utf8').trim()
  const call = createCallApi(httpUrl, key)
  const simulator = startSimulator(
    {
      mqttUrl: `mqtt://${host}:${platform.mqttPort}`,
      seed: 1,
      utcOffsetMs,
      beganMs: Date.now() - days * dayMs,
      everyMs: 2_000,
      devices: await registerBuilding(call),
      trouble: { point: troublePoint, everyMs: 240_000, firstAfterMs: 15_000 },
    },
    createProgress(`${days} days of readings`, process.stderr),
  )
  try {
    await Promise.race([simulator.live, whenAborted(stopping.signal)])
    if (!stopping.signal.aborted) {
      say(`
  Look at it     ${httpUrl}/#key=${key}
  HTTP API       ${httpUrl}/docs   (key: ${key})
${where(config.influxdb)}  MQTT           mosquitto_sub -h ${host} -p ${platform.mqttPort} -u key:${await keyId(call)} -P ${key} -t 'pel/v1/+/telemetry' -v

  In a quarter of a minute a pump will draw too much: an alert, and a mail. Ctrl-C ends the demo.
`)
      await announceMails(call, `${httpUrl}/#key=${key}`, stopping.signal)
    }
  } finally {
    await simulator.stop()
    await platform.stop()
  }
  process.exit(0)
}

function where(influxdb: PlatformConfig['influxdb']): string {
  return influxdb === undefined
    ? ''
    : `  Readings       ${influxdb.url}, database or bucket ${influxdb.database ?? influxdb.bucket}\n`
}

interface Notifications {
  readonly items: readonly { readonly id: string; readonly alertId: string | null; readonly state: string }[]
}
interface Alert {
  readonly severity: string
  readonly ruleName: string
  readonly deviceId: string
  readonly state: string
}

/** One line for each mail, with the address at which it opens. */
async function announceMails(call: CallApi, page: string, signal: AbortSignal): Promise<void> {
  const told = new Set<string>()
  while (!signal.aborted) {
    const { items } = await call<Notifications>('GET', '/notifications?limit=20')
    for (const { id, alertId } of items.filter((item) => item.state === 'sent' && !told.has(item.id)).reverse()) {
      told.add(id)
      if (alertId === null) continue
      const { severity, ruleName, deviceId, state } = await call<Alert>('GET', `/alerts/${alertId}`)
      say(`  ${state === 'resolved' ? 'resolved' : severity}: ${ruleName}, ${deviceId}. The mail: ${page}&mail=${id}`)
    }
    await delay(500, undefined, { signal }).catch(() => undefined)
  }
}

/** The id behind the command line's key, which is the MQTT user name. */
async function keyId(call: CallApi): Promise<string> {
  const { items } = await call<{ items: readonly { id: string; name: string }[] }>('GET', '/keys')
  return items.find(({ name }) => name === 'command line')?.id ?? ''
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
