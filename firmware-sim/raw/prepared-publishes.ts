import { nativeTopic, parseDeviceId } from '../../model/index.ts'
import { createMeter1ph } from '../signals/meter-1ph.ts'

/** Bodies of each device that the messages rotate through, at least. */
const fewestBodies = 24
const minuteMs = 60_000
/** Where the registers stand at the start: eight digits stay eight digits, whatever a run adds. */
const startWh = 20_000_000
const whPerWattMs = 1 / 3.6e6

const zero = 0x30
/** Three digits of each number below 1,000. */
const threeDigits = Uint8Array.from({ length: 3_000 }, (_, i) => zero + (Math.floor(i / 3 / 10 ** (2 - (i % 3))) % 10))

export interface PreparedOptions {
  readonly devices: readonly string[]
  /** The first message of each device carries this time, each further one `stepMs` more. */
  readonly startMs: number
  readonly stepMs: number
  readonly seed: number
  /** Room for so many packets at least, whatever the number of devices. */
  readonly packets: number
}

/**
 * QoS 1 PUBLISH packets of `meter-1ph`, back to back in one buffer, rendered once and then patched in place: packet
 * identifier, time and (every few thousand messages) the energy register are the only bytes that change.
 */
export class PreparedPublishes {
  readonly bytes: Buffer
  /** Packets in the buffer; message n is in slot n % count, of device n % devices. */
  readonly count: number
  /** Where each packet starts, and behind the last one where the buffer ends. */
  readonly offsets: Int32Array
  readonly #packetIdAt: Int32Array
  readonly #timeAt: Int32Array
  readonly #energyAt: Int32Array
  /** The digits above the million milliseconds that the slot shows; rewritten only when they change. */
  readonly #timeHigh: Float64Array
  readonly #wh: Float64Array
  readonly #devices: number
  readonly #startMs: number
  readonly #stepMs: number
  readonly #whPerMs: Float64Array

  constructor({ devices, startMs, stepMs, seed, packets }: PreparedOptions) {
    const bodiesPerDevice = Math.max(fewestBodies, Math.ceil(packets / devices.length))
    this.#devices = devices.length
    this.#startMs = startMs
    this.#stepMs = stepMs
    this.count = devices.length * bodiesPerDevice
    this.offsets = new Int32Array(this.count + 1)
    this.#packetIdAt = new Int32Array(this.count)
    this.#timeAt = new Int32Array(this.count)
    this.#energyAt = new Int32Array(this.count)
    this.#timeHigh = new Float64Array(this.count).fill(-1)
    this.#wh = new Float64Array(this.count).fill(-1)
    this.#whPerMs = new Float64Array(devices.length)

    const signals = devices.map((_, i) => createMeter1ph({ seed: seed * 10_007 + i, startMs, utcOffsetMs: 0 }))
    const rendered: Buffer[] = []
    let offset = 0
    for (let slot = 0; slot < this.count; slot++) {
      const device = slot % devices.length
      const round = Math.floor(slot / devices.length)
      const sample = signals[device]?.sample(startMs + round * minuteMs) ?? {}
      const packet = renderPublish(devices[device] ?? '', sample)
      rendered.push(packet.bytes)
      this.offsets[slot] = offset
      this.#packetIdAt[slot] = offset + packet.packetIdAt
      this.#timeAt[slot] = offset + packet.timeAt
      this.#energyAt[slot] = offset + packet.energyAt
      this.#whPerMs[device] = (this.#whPerMs[device] ?? 0) + ((sample['power'] ?? 0) * whPerWattMs) / bodiesPerDevice
      offset += packet.bytes.length
    }
    this.offsets[this.count] = offset
    this.bytes = Buffer.concat(rendered)
  }

  /** Makes the packet of a slot that of message `n`. Hot: some forty nanoseconds. */
  patch(slot: number, n: number, packetId: number): void {
    const { bytes } = this
    const at = this.#packetIdAt[slot] ?? 0
    bytes[at] = packetId >> 8
    bytes[at + 1] = packetId & 0xff

    const device = n % this.#devices
    const sinceStartMs = ((n - device) / this.#devices) * this.#stepMs
    const timeMs = this.#startMs + sinceStartMs
    const high = Math.floor(timeMs / 1e6)
    const low = timeMs - high * 1e6
    const timeAt = this.#timeAt[slot] ?? 0
    if (high !== this.#timeHigh[slot]) {
      bytes.write(String(high), timeAt, 'latin1')
      this.#timeHigh[slot] = high
    }
    const thousands = (low / 1_000) | 0
    this.#writeThree(thousands, timeAt + 7)
    this.#writeThree(low - thousands * 1_000, timeAt + 10)

    const wh = startWh + Math.floor(sinceStartMs * (this.#whPerMs[device] ?? 0))
    if (wh !== this.#wh[slot]) {
      bytes.write((wh / 1_000).toFixed(3), this.#energyAt[slot] ?? 0, 'latin1')
      this.#wh[slot] = wh
    }
  }

  #writeThree(number: number, at: number): void {
    const { bytes } = this
    const from = number * 3
    bytes[at] = threeDigits[from] ?? zero
    bytes[at + 1] = threeDigits[from + 1] ?? zero
    bytes[at + 2] = threeDigits[from + 2] ?? zero
  }
}

/** PUBLISH, QoS 1 (MQTT 3.1.1, 3.3), with room for what is patched. */
function renderPublish(deviceId: string, sample: Readonly<Record<string, number>>) {
  const topic = Buffer.from(nativeTopic.telemetry(parseDeviceId(deviceId)))
  const before = '{"ts":'
  const energy = (startWh / 1_000).toFixed(3)
  const values = Object.entries(sample).map(([name, value]) => `"${name}":${name === 'energy' ? energy : value}`)
  const payload = Buffer.from(`${before}0000000000000,"values":{${values.join(',')}}}`)
  const remaining = 2 + topic.length + 2 + payload.length
  const header = Buffer.from([0x32, ...remainingLength(remaining), topic.length >> 8, topic.length & 0xff])
  const packetIdAt = header.length + topic.length
  const payloadAt = packetIdAt + 2
  return {
    bytes: Buffer.concat([header, topic, Buffer.alloc(2), payload]),
    packetIdAt,
    timeAt: payloadAt + before.length,
    energyAt: payloadAt + payload.indexOf('"energy":') + '"energy":'.length,
  }
}

/** Seven bits a byte, the lowest first (MQTT 3.1.1, 2.2.3). */
function remainingLength(length: number): number[] {
  const encoded: number[] = []
  do {
    const rest = length >> 7
    encoded.push((length & 0x7f) | (rest > 0 ? 0x80 : 0))
    length = rest
  } while (length > 0)
  return encoded
}
