import type { SystemCall } from './trace.ts'

/** First bytes of the packets that a publisher is answered with; each is four bytes long. */
const packetType = { connack: 0x20, puback: 0x40, pubrec: 0x50, pubcomp: 0x70 } as const

export interface AckVerdict {
  /** Packet identifiers acknowledged (PUBACK, or PUBREC for QoS 2), in the order in which they were written. */
  readonly acked: readonly number[]
  /** Acknowledged before a sync that covers the message had returned. */
  readonly early: readonly number[]
}

/**
 * Whether the log's fdatasync returned before each acknowledgement that it covers was written. `marks` are the bytes
 * of each message by packet identifier, as they must be found in what was written to the log.
 */
export function judgeAcks(calls: readonly SystemCall[], marks: ReadonlyMap<number, Buffer>): AckVerdict {
  const logCalls = calls.filter((call) => call.target.includes('/log/') && !call.failed)
  const syncs = logCalls.filter(({ name }) => name === 'fdatasync' || name === 'fsync')
  const writes = logCalls.filter(({ bytes }) => bytes.length > 0)
  const acked: number[] = []
  const early: number[] = []
  for (const { packetId, writtenAt } of acknowledgements(calls)) {
    acked.push(packetId)
    const mark = marks.get(packetId)
    const write = mark && writes.find(({ bytes }) => bytes.includes(mark))
    const covered =
      write !== undefined &&
      syncs.some(({ target, begin, end }) => target === write.target && begin > write.end && end < writtenAt)
    if (!covered) early.push(packetId)
  }
  return { acked, early }
}

/** The MQTT connections are the sockets that began with a CONNACK: HTTP answers begin otherwise. */
function acknowledgements(calls: readonly SystemCall[]) {
  const sockets = new Map<string, SystemCall[]>()
  for (const call of calls) {
    if (!call.target.startsWith('socket:') || call.failed) continue
    const earlier = sockets.get(call.target)
    if (earlier !== undefined) earlier.push(call)
    else if (call.bytes[0] === packetType.connack) sockets.set(call.target, [call])
  }
  return [...sockets.values()].flat().flatMap(({ bytes, begin }) => {
    const found: { packetId: number; writtenAt: number }[] = []
    for (let at = 0; at + 4 <= bytes.length; at += 4) {
      const type = bytes[at]
      if (type === packetType.puback || type === packetType.pubrec)
        found.push({ packetId: bytes.readUInt16BE(at + 2), writtenAt: begin })
    }
    return found
  })
}
