import { passwordOf } from './harness.ts'

/** Packets byte by byte, well-formed or not: the encoder of a library would refuse what these tests are about. */

export function field(text: string | Uint8Array): Buffer {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes])
}

export function packet(firstByte: number, ...body: readonly Uint8Array[]): Buffer {
  const length = body.reduce((sum, part) => sum + part.length, 0)
  const header = [firstByte]
  let rest = length
  do {
    header.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
    rest >>= 7
  } while (rest > 0)
  return Buffer.concat([Buffer.from(header), ...body])
}

export interface ConnectParts {
  readonly name?: string | Uint8Array
  readonly level?: number
  readonly flags?: number
  readonly keepAliveS?: number
  /** Fields behind the variable header, as they are. */
  readonly fields?: readonly Uint8Array[]
}

export const cleanFlag = 0x02
export const willFlag = 0x04
export const credentialFlags = 0xc0

export function connectPacket({ name = 'MQTT', level = 4, flags = 0xc2, keepAliveS = 60, fields = [] }: ConnectParts) {
  return packet(0x10, field(name), Buffer.from([level, flags, keepAliveS >> 8, keepAliveS & 0xff]), ...fields)
}

/** A right CONNECT of a device or key. */
export function connectAs(name: string, clientId = 'raw', clean = true): Buffer {
  const flags = credentialFlags | (clean ? cleanFlag : 0)
  return connectPacket({ flags, fields: [field(clientId), field(name), field(passwordOf(name))] })
}

export interface PublishParts {
  readonly topic?: string | Uint8Array
  readonly payload?: string | Uint8Array
  readonly qos?: number
  readonly dup?: boolean
  readonly retain?: boolean
  readonly packetId?: number
}

export function publishPacket(parts: PublishParts = {}): Buffer {
  const { topic = 'pel/v1/meter1/telemetry', payload = '{"power":1}', qos = 1, packetId = 1 } = parts
  const first = 0x30 | (qos << 1) | (parts.dup ? 8 : 0) | (parts.retain ? 1 : 0)
  const id = qos > 0 ? [uint16(packetId)] : []
  return packet(first, field(topic), ...id, typeof payload === 'string' ? Buffer.from(payload) : payload)
}

export function subscribePacket(filters: readonly (string | Uint8Array)[], packetId = 1, qos = 1): Buffer {
  return packet(0x82, uint16(packetId), ...filters.flatMap((filter) => [field(filter), Buffer.from([qos])]))
}

export function unsubscribePacket(filters: readonly (string | Uint8Array)[], packetId = 1): Buffer {
  return packet(0xa2, uint16(packetId), ...filters.map((filter) => field(filter)))
}

export function uint16(number: number): Buffer {
  return Buffer.from([number >> 8, number & 0xff])
}

export const connackAccepted = Buffer.from([0x20, 2, 0, 0])
export const pingreq = Buffer.from([0xc0, 0])
export const pingresp = Buffer.from([0xd0, 0])
export const disconnectPacket = Buffer.from([0xe0, 0])
export const puback = (packetId: number) => Buffer.concat([Buffer.from([0x40, 2]), uint16(packetId)])
export const pubrec = (packetId: number) => Buffer.concat([Buffer.from([0x50, 2]), uint16(packetId)])
export const pubrel = (packetId: number) => Buffer.concat([Buffer.from([0x62, 2]), uint16(packetId)])
export const pubcomp = (packetId: number) => Buffer.concat([Buffer.from([0x70, 2]), uint16(packetId)])
