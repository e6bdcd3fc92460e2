import { fixedHeaderBytes, remainingLength } from './strict/index.ts'

const connackByte = 0x20

/** The CONNACK of a refusal: session present is 0 then [MQTT-3.2.2-4]. */
export function refusingConnack(returnCode: number): Buffer {
  return Buffer.from([connackByte, 2, 0, returnCode])
}

/**
 * What Aedes wrote before a connection's CONNACK was out: a restored subscription may already have delivered, but
 * CONNACK comes first [MQTT-3.2.0-1], and says that a session is present when there is one, subscribed to anything or
 * not [MQTT-3.2.2-2]. Undefined: no CONNACK among it yet.
 */
export function connackFirst(written: Buffer, sessionPresent: boolean): Buffer | undefined {
  let at = 0
  while (at < written.length) {
    const header = fixedHeaderBytes(written, at, written.length)
    if (header <= 0) return undefined
    const end = at + header + remainingLength(written, at, header)
    if (end > written.length) return undefined
    if (written[at] === connackByte) {
      const accepted = written[at + 3] === 0
      const connack = Buffer.from([connackByte, 2, accepted && sessionPresent ? 1 : 0, written[at + 3] ?? 0])
      return Buffer.concat([connack, written.subarray(0, at), written.subarray(end)])
    }
    at = end
  }
  return undefined
}
