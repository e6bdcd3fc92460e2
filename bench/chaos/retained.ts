import { connectAsync } from 'mqtt'
import { publishUntilAcked } from '../../firmware-sim/index.ts'
import { nativeTopic, parseDeviceId } from '../../model/index.ts'
import type { ChaosClient } from './mqtt-client.ts'

export interface Subscriber {
  readonly port: number
  readonly username: string
  readonly password: string
}

export interface RetainedClient extends ChaosClient {
  readonly topic: string
  /** Serial number of the newest retained message that is acknowledged; 0 before the first. */
  readonly lastAcked: number
  readonly lastSent: number
}

const pauseMs = 3
const reconnectMs = 100
const answerTimeoutMs = 15_000

/** Replaces one retained message again and again, each time after the acknowledgement of the one before. */
export async function startRetainedClient(port: number, id: string, token: string): Promise<RetainedClient> {
  const topic = nativeTopic.info(parseDeviceId(id))
  const options = { clientId: id, username: id, password: token, clean: false, reconnectPeriod: reconnectMs }
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`, options)
  client.on('error', () => {})
  let lastAcked = 0
  let lastSent = 0
  let timer: NodeJS.Timeout | undefined
  let finishing: (() => void) | undefined

  function publishNext(): void {
    timer = undefined
    if (finishing !== undefined) {
      finishing()
      return
    }
    const serial = ++lastSent
    const payload = JSON.stringify({ serial })
    publishUntilAcked(client, { topic, payload, options: { qos: 1, retain: true } }, () => {
      lastAcked = serial
      timer = setTimeout(publishNext, pauseMs)
    })
  }
  publishNext()

  return {
    name: `${id} (retained)`,
    topic,
    get acked() {
      return lastAcked
    },
    get lastAcked() {
      return lastAcked
    },
    get lastSent() {
      return lastSent
    },
    finish: () =>
      new Promise((resolve) => {
        finishing = resolve
      }),
    async close() {
      clearTimeout(timer)
      await client.endAsync(true)
    },
  }
}

/** The serial number of the retained message that a newcomer is given; undefined when none comes. */
export async function readRetained(
  { port, username, password }: Subscriber,
  topic: string,
): Promise<number | undefined> {
  const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { username, password, reconnectPeriod: 0 })
  let timer: NodeJS.Timeout | undefined
  try {
    return await new Promise((resolve, reject) => {
      client.on('message', (_topic, payload, { retain }) => {
        if (retain) resolve(Number(JSON.parse(payload.toString()).serial))
      })
      client.on('error', reject)
      timer = setTimeout(() => resolve(undefined), answerTimeoutMs)
      client.subscribeAsync(topic, { qos: 1 }).catch(reject)
    })
  } finally {
    clearTimeout(timer)
    await client.endAsync(true)
  }
}
