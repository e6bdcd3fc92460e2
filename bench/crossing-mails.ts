import { setTimeout as delay } from 'node:timers/promises'
import { connectAsync, type MqttClient } from 'mqtt'
import type { MailServer } from '../test/notifier/mail-server.ts'
import type { Platform } from '../test/scenario/platform.ts'

/** Between a mail and the next crossing: not always at the same moment of some timer. */
const pauseMs = { shortest: 10, longest: 40 }
const mailTimeoutMs = 10_000
/** Around the limit of the default pack for single-phase meters: 60 A. */
const currents = { beyond: 65, within: 20 } as const

/** A device that raises an alert, or ends it, with each message, and the mails that follow. */
export interface CrossingDevice {
  /** Publishes a value at the other side of the limit; resolves with the time until its mail was there, ms. */
  cross(): Promise<number>
  /** So many crossings without waiting for each; resolves with the seconds until all their mails were there. */
  crossOften(times: number): Promise<number>
  end(): Promise<void>
}

export async function connectCrossingDevice(platform: Platform, server: MailServer): Promise<CrossingDevice> {
  const { id, token } = await platform.client.createDevice({ id: 'crossing', profileId: 'meter-1ph' })
  const client: MqttClient = await connectAsync(`mqtt://127.0.0.1:${platform.mqttPort}`, {
    username: id,
    password: token,
    reconnectPeriod: 0,
  })
  let beyond = false
  let lastMs = 0

  function publish(): Promise<unknown> {
    beyond = !beyond
    // Every reading is newer than the one before it, also when many are published in one millisecond.
    lastMs = Math.max(Date.now(), lastMs + 1)
    const values = { current: beyond ? currents.beyond : currents.within }
    return client.publishAsync(`pel/v1/${id}/telemetry`, JSON.stringify({ ts: lastMs, values }), { qos: 1 })
  }

  return {
    async cross() {
      const arrived = server.next(mailTimeoutMs)
      const startMs = performance.now()
      await Promise.all([publish(), arrived])
      return (await arrived) - startMs
    },
    async crossOften(times) {
      const before = server.accepted.length
      const startMs = performance.now()
      await Promise.all(Array.from({ length: times }, publish))
      let lastArrivedMs = startMs
      while (server.accepted.length < before + times) lastArrivedMs = await server.next(mailTimeoutMs)
      return (lastArrivedMs - startMs) / 1_000
    },
    end: () => client.endAsync(true),
  }
}

/** One sample after the other, until it ends. */
export async function sampleUntil(end: Promise<unknown>, sample: () => Promise<number>): Promise<readonly number[]> {
  const samples: number[] = []
  let ended = false
  const watch = end.finally(() => {
    ended = true
  })
  while (!ended) {
    samples.push(await sample())
    await delay(pauseMs.shortest + Math.random() * (pauseMs.longest - pauseMs.shortest))
  }
  await watch
  return samples
}

export function percentile(samples: readonly number[], part: number): number {
  const sorted = samples.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? 0
}
