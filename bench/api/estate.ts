import { connectAsync, type MqttClient } from 'mqtt'
import { z } from 'zod'
import type { RawConfigInput } from '../../firmware-sim/index.ts'
import type { Platform } from '../../test/scenario/platform.ts'
import { waitUntil } from '../../test/setup/wait.ts'

/** Sites of 100 meters that report ten times a second at 10,000 messages a second; each connection is a gateway that reports for twenty at once. */
const sites = 10
const devicesPerSite = 100
export const devicesPerGateway = 20
/** Of each site; they have the month. */
const devicesWithHistory = 3
const historyDays = 30
const historyStepMs = 5 * 60_000
const readingsPerMessage = 288
const registeringAtOnce = 32
const dayMs = 86_400_000

export interface Site {
  readonly id: string
  readonly devices: readonly string[]
  /** Those that people look at: they have a month of readings. */
  readonly watched: readonly string[]
}

export interface Estate {
  readonly sites: readonly Site[]
  readonly connections: RawConfigInput['connections']
  readonly devices: number
}

/** Registers sites and devices, and lets some of them bring a month of readings, by MQTT as all the others. */
export async function buildEstate(platform: Platform, say: (line: string) => void): Promise<Estate> {
  const built: Site[] = []
  const connections: RawConfigInput['connections'] = []
  for (let s = 0; s < sites; s++) {
    const id = `site-${s}`
    await ok(platform, 'POST', '/api/v1/sites', { id, name: `Site ${s}`, timeZone: 'Asia/Jakarta', currency: 'IDR' })
    const devices = Array.from({ length: devicesPerSite }, (_, d) => `meter-${s}-${String(d).padStart(3, '0')}`)
    for (let g = 0; g < devices.length; g += devicesPerGateway) {
      const [gateway = '', ...others] = devices.slice(g, g + devicesPerGateway)
      const password = await register(platform, { id: gateway, siteId: id })
      for (let i = 0; i < others.length; i += registeringAtOnce)
        await Promise.all(
          others
            .slice(i, i + registeringAtOnce)
            .map((other) => register(platform, { id: other, siteId: id, gatewayId: gateway })),
        )
      connections.push({ clientId: gateway, username: gateway, password, devices: [gateway, ...others] })
    }
    built.push({ id, devices, watched: devices.slice(0, devicesWithHistory) })
  }
  say(`${sites} sites of ${devicesPerSite} devices`)
  await Promise.all(
    built.map((site, s) => loadHistory(platform, site, connections[(s * devicesPerSite) / devicesPerGateway])),
  )
  await Promise.all(built.map((site) => raiseAlert(platform, site)))
  await waitUntil(
    'the history to be stored',
    async () => {
      const { ingest, log } = await platform.client.status()
      return ingest.position === log.durable
    },
    { timeoutMs: 120_000, everyMs: 100 },
  )
  say(
    `a month of ${sites * devicesWithHistory} devices, a reading of six values each ${historyStepMs / 60_000} minutes`,
  )
  return { sites: built, connections, devices: sites * devicesPerSite }
}

const created = z.object({ token: z.string() })

async function register(platform: Platform, device: Record<string, string>): Promise<string> {
  return created.parse(await ok(platform, 'POST', '/api/v1/devices', { ...device, profileId: 'meter-1ph' })).token
}

async function ok({ client }: Platform, method: string, path: string, body: unknown): Promise<unknown> {
  const response = await client.request(method, path, body)
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path} failed: ${response.status} ${text.slice(0, 300)}`)
  return JSON.parse(text)
}

const issuedKey = z.object({ key: z.string() })

/** A viewer's key, of one site or of all: each client is a principal of its own. */
export async function issueKey(platform: Platform, name: string, sites: 'all' | readonly string[]): Promise<string> {
  return issuedKey.parse(await ok(platform, 'POST', '/api/v1/keys', { name, role: 'viewer', sites })).key
}

type Connection = RawConfigInput['connections'][number]

async function loadHistory(platform: Platform, site: Site, gateway: Connection | undefined): Promise<void> {
  const client = await connect(platform, gateway)
  const nowMs = Date.now()
  const endMs = nowMs - (nowMs % historyStepMs) - historyStepMs
  const messageMs = readingsPerMessage * historyStepMs
  for (let startMs = endMs - historyDays * dayMs; startMs < endMs; startMs += messageMs)
    await Promise.all(
      site.watched.map((device, d) => {
        const readings = Array.from({ length: readingsPerMessage }, (_, i) => startMs + i * historyStepMs)
        const payload = JSON.stringify(readings.map((ts) => ({ ts, values: valuesAt(ts, d) })))
        return client.publishAsync(`pel/v1/${device}/telemetry`, payload, { qos: 1 })
      }),
    )
  await client.endAsync()
}

/** Of a device that draws more than it should: an alert of the site fires while the consoles look. */
async function raiseAlert(platform: Platform, { id }: Site): Promise<void> {
  const username = `hot-${id}`
  const password = await register(platform, { id: username, siteId: id })
  const client = await connect(platform, { clientId: username, username, password, devices: [username] })
  await client.publishAsync(`pel/v1/${username}/telemetry`, '{"current":65}', { qos: 1 })
  await client.endAsync()
}

function connect(platform: Platform, connection: Connection | undefined): Promise<MqttClient> {
  const { clientId = '', username = '', password = '' } = connection ?? {}
  const options = { clientId, username, password, reconnectPeriod: 0 }
  return connectAsync(`mqtt://127.0.0.1:${platform.mqttPort}`, options)
}

/** Healthy values of a meter: they rise and fall with the hour, and the register only rises. */
function valuesAt(timeMs: number, device: number): Record<string, number> {
  const wave = Math.sin((timeMs / dayMs) * 2 * Math.PI)
  const power = Math.round(1_500 + 900 * wave + 40 * device)
  return {
    voltage: Number((230 + 3 * wave).toFixed(2)),
    current: Number((power / 230).toFixed(3)),
    power,
    energy: Number(((timeMs / 3.6e9) % 10_000).toFixed(3)),
    power_factor: 0.95,
    frequency: Number((50 + wave / 50).toFixed(3)),
  }
}
