import type { Platform } from '../../test/scenario/platform.ts'
import { type CrossingClient, startCrossingClient } from './crossing.ts'
import { createMessageMaker, type PayloadKind } from './messages.ts'
import { type ChaosClient, type ChaosDeps, startMqttClient } from './mqtt-client.ts'
import { startPushClient } from './push-client.ts'
import { type RetainedClient, startRetainedClient } from './retained.ts'
import { startSocketClient } from './socket-client.ts'

export type { ChaosClient } from './mqtt-client.ts'

interface MqttPlan {
  readonly id: string
  readonly kind: PayloadKind
  readonly qos: 1 | 2
  readonly clean: boolean
}

/**
 * Untimed values go through persistent sessions only: in a new clean session a device that sends again cannot be told
 * from one that measured again.
 */
const mqttPlans: readonly MqttPlan[] = [
  { id: 'timed-qos1-clean', kind: 'timed', qos: 1, clean: true },
  { id: 'timed-qos2-clean', kind: 'timed', qos: 2, clean: true },
  { id: 'backlog-qos1-persistent', kind: 'backlog', qos: 1, clean: false },
  { id: 'timed-qos2-persistent', kind: 'timed', qos: 2, clean: false },
  { id: 'untimed-qos1-persistent', kind: 'untimed', qos: 1, clean: false },
  { id: 'untimed-qos2-persistent', kind: 'untimed', qos: 2, clean: false },
]
const socketPlans = [
  { id: 'timed-socket', kind: 'timed', slots: 40 },
  { id: 'untimed-socket', kind: 'untimed', slots: 16 },
] as const
/** The second one's readings are pushed by its gateway. */
const pushPlans = [
  { id: 'timed-http', kind: 'timed', gatewayId: undefined },
  { id: 'backlog-http-child', kind: 'backlog', gatewayId: 'timed-http' },
] as const
const pushSlots = 4
const retainedId = 'retained'
/** Its telemetry is what the offline subscriber has subscribed to. */
export const queuedDevice = 'timed-qos1-clean'

/** Times begin an hour ago: late enough to be accepted, early enough never to be ahead of the platform's clock. */
const headStartMs = 3_600_000

export interface ChaosClients {
  /** All of them, the retained one and the crossing one included. */
  readonly clients: readonly ChaosClient[]
  readonly retained: RetainedClient
  readonly crossing: CrossingClient
}

/** Registers a device per client and lets all of them publish. */
export async function startClients(platform: Platform, deps: ChaosDeps): Promise<ChaosClients> {
  const { client, mqttPort: port, httpPort } = platform
  const register = async (id: string) => (await client.createDevice({ id, profileId: 'meter-1ph' })).token
  const startMs = Date.now() - headStartMs
  const clients: ChaosClient[] = []
  try {
    for (const { id, kind, qos, clean } of mqttPlans) {
      const options = { port, id, token: await register(id), qos, clean }
      clients.push(await startMqttClient(options, createMessageMaker(id, kind, startMs), deps))
    }
    for (const { id, kind, slots } of socketPlans) {
      const options = { port, id, token: await register(id), slots }
      clients.push(await startSocketClient(options, createMessageMaker(id, kind, startMs), deps.ledger))
    }
    const tokens = new Map<string, string>()
    for (const { id, kind, gatewayId } of pushPlans) {
      const device = { id, profileId: 'meter-1ph', ...(gatewayId !== undefined && { gatewayId }) }
      tokens.set(id, (await client.createDevice(device)).token)
      const token = tokens.get(gatewayId ?? id) ?? ''
      const options = { httpPort, id, token, slots: pushSlots }
      clients.push(startPushClient(options, createMessageMaker(id, kind, startMs), deps.ledger))
    }
    const retained = await startRetainedClient(port, retainedId, await register(retainedId))
    clients.push(retained)
    const crossing = await startCrossingClient(platform, deps.ledger, startMs)
    return { clients: [...clients, crossing], retained, crossing }
  } catch (error) {
    await Promise.all(clients.map((each) => each.close()))
    throw error
  }
}
