import { type DeviceRecord, encodeOrigin, FrameWriter, frameKind } from '../model/index.ts'

const roundMs = 30_000
const encoder = new TextEncoder()

/** Frames of healthy `meter-1ph` devices, each a message in its turn; to be read round by round. */
export interface Traffic {
  readonly bytes: Uint8Array
  /** Gives each message a later time than it had: half a minute of received time a round. */
  nextRound(): void
}

/** `startMs`: of the first round; epoch ms. */
export function createTraffic(devices: readonly DeviceRecord[], messages: number, startMs: number): Traffic {
  const writer = new FrameWriter()
  const receivedAt = new Int32Array(messages)
  const timeAt = new Int32Array(messages)
  for (let i = 0; i < messages; i++) {
    const id = devices[i % devices.length]?.id ?? ''
    const payload = encoder.encode(`{"ts":${startMs},"values":{${valuesOf(i)}}}`)
    receivedAt[i] = writer.length + 8
    writer.append({
      kind: frameKind.message,
      receivedMs: startMs,
      origin: encodeOrigin(id, 'bench'),
      topic: `pel/v1/${id}/telemetry`,
      payload,
    })
    timeAt[i] = writer.length - payload.length + '{"ts":'.length
  }
  const bytes = Uint8Array.from(writer.view())
  const view = new DataView(bytes.buffer)
  const messagesOfDevice = Math.ceil(messages / devices.length)
  let round = 0

  return {
    bytes,
    nextRound() {
      for (let i = 0; i < messages; i++) {
        const receivedMs = startMs + round * roundMs + Math.floor((i * roundMs) / messages)
        view.setFloat64(receivedAt[i] ?? 0, receivedMs, true)
        const timeMs = startMs + round * messagesOfDevice + Math.floor(i / devices.length)
        encoder.encodeInto(String(timeMs), bytes.subarray(timeAt[i]))
      }
      round++
    },
  }
}

function valuesOf(i: number): string {
  return (
    `"voltage":${(229 + (i % 300) / 100).toFixed(2)},"current":${((i % 50) + 0.253).toFixed(3)},` +
    `"power":${1000 + (i % 977)},"energy":${(20_000 + i / 1000).toFixed(3)},"power_factor":${(0.9 + (i % 9) / 100).toFixed(2)},` +
    `"frequency":${(49.9 + (i % 20) / 100).toFixed(3)}`
  )
}
