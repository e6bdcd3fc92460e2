import { byteAt } from './bytes.ts'
import { type Violation, violations } from './violation.ts'

/** MQTT 3.1.1, table 2.1. */
export const packetType = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  unsubscribe: 10,
  pingreq: 12,
  disconnect: 14,
} as const

/** Five length-prefixed fields of at most 65,535 bytes behind a variable header of at most twelve. */
const maxConnectBytes = 12 + 5 * (2 + 0xffff)
/** Policy: some thousand filters fit; the standard names no bound. */
const maxSubscribeBytes = 256 * 1024

/** Size of the fixed header at `at`; 0: it is not all there yet; -1: the remaining length is malformed (2.2.3). */
export function fixedHeaderBytes(bytes: Uint8Array, at: number, end: number): number {
  for (let i = 1; i <= 4; i++) {
    if (at + i >= end) return 0
    if (byteAt(bytes, at + i) < 0x80) return i + 1
  }
  return -1
}

/** Remaining length of a packet whose fixed header is whole. */
export function remainingLength(bytes: Uint8Array, at: number, headerBytes: number): number {
  let length = 0
  for (let i = headerBytes - 1; i >= 1; i--) length = (length << 7) | (byteAt(bytes, at + i) & 0x7f)
  return length
}

/** What the fixed header alone can tell, before the rest is buffered. PUBLISH is bounded by its device's limit. */
export function checkFixedHeader(first: number, length: number): Violation | undefined {
  const flags = first & 0x0f
  switch (first >> 4) {
    case packetType.publish:
      if ((flags & 0b0110) === 0b0110) return violations.qos3
      if ((flags & 0b1110) === 0b1000) return violations.dupWithQos0
      return undefined
    case packetType.connect:
      if (flags !== 0) return violations.reservedFlags
      return length > maxConnectBytes ? violations.packetTooLarge : undefined
    case packetType.puback:
    case packetType.pubrec:
    case packetType.pubcomp:
      return flags !== 0 ? violations.reservedFlags : exactly(2, length)
    case packetType.pubrel:
      return flags !== 0b0010 ? violations.reservedFlags : exactly(2, length)
    case packetType.subscribe:
    case packetType.unsubscribe:
      if (flags !== 0b0010) return violations.reservedFlags
      return length > maxSubscribeBytes ? violations.packetTooLarge : undefined
    case packetType.pingreq:
    case packetType.disconnect:
      return flags !== 0 ? violations.reservedFlags : exactly(0, length)
    default:
      return violations.packetType
  }
}

function exactly(expected: number, length: number): Violation | undefined {
  if (length === expected) return undefined
  return length < expected ? violations.truncated : violations.excessBytes
}
