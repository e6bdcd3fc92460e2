import type { Influxdb } from '../../../test/setup/influxdb.ts'

export const database = 'chaos'
const measurement = 'meter-1ph'

/** The generator's messages of one run: so many of each device, a millisecond apart. */
export interface Sent {
  readonly startMs: number
  readonly acked: Readonly<Record<string, number>>
}

export interface Difference {
  /** Messages that must be there and are not. */
  readonly lost: number
  /** Points that are there and were never sent, or once too often. */
  readonly doubled: number
}

/** What was stored, and when it was received, looked at again and again: the last look before a database goes must be a short one. */
export interface Sampler {
  /** Looks at what has come since the last time. */
  look(): Promise<void>
  receivedMs(device: string, timeMs: number): number | undefined
  /** Of every device, everything received up to then was seen. */
  readonly completeToMs: number
}

export function createSampler(server: Influxdb, startMs: number, devices: readonly string[]): Sampler {
  const all = new Map<string, Map<number, number>>()
  const none = { timeMs: startMs, receivedMs: Number.NEGATIVE_INFINITY }
  const newest = new Map(devices.map((device) => [device, none]))
  return {
    async look() {
      const fromMs = Math.min(...[...newest.values()].map(({ timeMs }) => timeMs))
      const sql = `SELECT "received_ms", "device" FROM "${measurement}" WHERE time >= ${fromMs}ms`
      for (const [time, received, device] of await server.query(sql, database)) {
        const [timeMs, receivedMs, id] = [Number(time), Number(received), String(device)]
        const before = newest.get(id)
        if (before === undefined) continue
        all.set(id, (all.get(id) ?? new Map<number, number>()).set(timeMs, receivedMs))
        if (timeMs >= before.timeMs) newest.set(id, { timeMs, receivedMs })
      }
    },
    receivedMs: (device, timeMs) => all.get(device)?.get(timeMs),
    get completeToMs() {
      return Math.min(...[...newest.values()].map(({ receivedMs }) => receivedMs))
    },
  }
}

/** Times of one device's points, those that hold every value of a message. */
async function timesOf(server: Influxdb, device: string): Promise<readonly number[]> {
  const whole = ['voltage', 'current', 'power', 'energy', 'power_factor', 'frequency']
  const columns = whole.map((metric) => `"${metric}"`).join(', ')
  const rows = await server.query(`SELECT ${columns} FROM "${measurement}" WHERE "device" = '${device}'`, database)
  return rows.filter((row) => row.every((cell) => typeof cell === 'number')).map(([timeMs]) => Number(timeMs))
}

/** `mayMiss`: messages that the database was dropped with, and the log no longer has. */
export async function compareSent(
  server: Influxdb,
  { startMs, acked }: Sent,
  mayMiss: (device: string, timeMs: number) => boolean = () => false,
): Promise<Difference> {
  let lost = 0
  let doubled = 0
  for (const [device, count] of Object.entries(acked)) {
    const times = (await timesOf(server, device)).filter((timeMs) => timeMs >= startMs)
    const there = new Set(times)
    doubled += times.length - there.size + times.filter((timeMs) => timeMs >= startMs + count).length
    for (let i = 0; i < count; i++) if (!there.has(startMs + i) && !mayMiss(device, startMs + i)) lost++
  }
  return { lost, doubled }
}
