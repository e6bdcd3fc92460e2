import { parser } from 'mqtt-packet'
import { describe, expect, test } from 'vitest'
import { PreparedPublishes } from '../../firmware-sim/index.ts'
import { builtInProfiles } from '../../model/index.ts'

interface Message {
  readonly topic: string
  readonly packetId: number | undefined
  readonly ts: number
  readonly values: Readonly<Record<string, number>>
}

const startMs = 1_795_341_599_990

/** Messages 0 to count - 1 as a broker's parser reads them. */
function messagesOf(publishes: PreparedPublishes, count: number): Message[] {
  const messages: Message[] = []
  const mqtt = parser({ protocolVersion: 4 })
  mqtt.on('packet', (packet) => {
    if (packet.cmd !== 'publish') throw new Error(packet.cmd)
    expect(packet).toMatchObject({ qos: 1, dup: false, retain: false })
    const { ts, values } = JSON.parse(packet.payload.toString())
    messages.push({ topic: packet.topic, packetId: packet.messageId, ts, values })
  })
  mqtt.on('error', (error) => {
    throw error
  })
  for (let n = 0; n < count; n++) {
    const slot = n % publishes.count
    publishes.patch(slot, n, (n % 0x8000) + 1)
    mqtt.parse(Buffer.from(publishes.bytes.subarray(publishes.offsets[slot], publishes.offsets[slot + 1])))
  }
  return messages
}

describe('prepared messages', () => {
  test('are meter-1ph messages of each device in turn, each with a time and a packet identifier of its own', () => {
    const publishes = new PreparedPublishes({ devices: ['a', 'meter-2'], startMs, stepMs: 1, seed: 1, packets: 10 })
    const messages = messagesOf(publishes, 5_000)
    expect(messages.map(({ topic }) => topic).slice(0, 3)).toEqual([
      'pel/v1/a/telemetry',
      'pel/v1/meter-2/telemetry',
      'pel/v1/a/telemetry',
    ])
    expect(messages.map(({ ts }) => ts)).toEqual(messages.map((_, n) => startMs + Math.floor(n / 2)))
    expect(messages.map(({ packetId }) => packetId)).toEqual(messages.map((_, n) => n + 1))
  })

  test('are as far apart in time as asked for', () => {
    const options = { devices: ['a', 'b'], startMs, stepMs: 2_500, seed: 1, packets: 10 }
    const times = messagesOf(new PreparedPublishes(options), 1_000).map(({ ts }) => ts)
    expect(times).toEqual(times.map((_, n) => startMs + Math.floor(n / 2) * 2_500))
  })

  test('carry all metrics in their valid range, in a few dozen combinations', () => {
    const metrics = builtInProfiles.find(({ id }) => id === 'meter-1ph')?.metrics ?? []
    const messages = messagesOf(
      new PreparedPublishes({ devices: ['a'], startMs, stepMs: 1, seed: 1, packets: 200 }),
      1_000,
    )
    for (const { values } of messages) {
      expect(Object.keys(values)).toEqual(metrics.map(({ name }) => name))
      for (const { name, min, max } of metrics) {
        expect(values[name]).toBeGreaterThanOrEqual(min)
        expect(values[name]).toBeLessThanOrEqual(max)
      }
    }
    expect(new Set(messages.map(({ values }) => values['power'])).size).toBeGreaterThan(24)
  })

  test('let the register rise with time, never fall', () => {
    const messages = messagesOf(
      new PreparedPublishes({ devices: ['a'], startMs, stepMs: 1, seed: 4, packets: 10 }),
      40_000,
    )
    const energies = messages.map(({ values }) => values['energy'] ?? Number.NaN)
    const first = energies[0] ?? Number.NaN
    expect(energies.every((energy, i) => i === 0 || energy >= (energies[i - 1] ?? 0))).toBe(true)
    expect(energies.at(-1)).toBeGreaterThan(first)
    const meanPowerW = messages.reduce((sum, { values }) => sum + (values['power'] ?? 0), 0) / messages.length
    const expectedKwh = (meanPowerW / 1_000) * (40_000 / 3_600_000)
    expect((energies.at(-1) ?? 0) - first).toBeCloseTo(expectedKwh, 2)
  })
})
