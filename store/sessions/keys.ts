import { createHash } from 'node:crypto'

/**
 * The keys of a session store, big endian so that byte order is numeric order:
 *
 *     m name                      format, number and sequence reserved, fan-out position, usage of the retained messages
 *     s client id                 session: number, hours offline
 *     x u32 number                a session that has ended and whose rest is still to be removed
 *     b u32 number, filter        subscription
 *     u u32 number                how much the session has queued
 *     q u32 number, f64 sequence  message queued for the session
 *     f u32 number, f64 sequence  how far the delivery of that message is: packet identifier, PUBLISH or PUBREL
 *     i u32 number, u16 id        QoS 2 message received from the client, between PUBLISH and PUBREL
 *     r topic                     retained message
 *     w client id                 will of a connected client
 *
 * A client's data hangs on the session's number, so a session ends with the removal of one key.
 */
export type KeySpace = 'm' | 's' | 'x' | 'b' | 'u' | 'q' | 'f' | 'i' | 'r' | 'w'

/** Keys must stay below LMDB's 1,978 bytes; a longer text keeps its beginning (ranges work on it) and its hash. */
const maxTextBytes = 1024

function head(space: KeySpace): Buffer {
  return Buffer.from(space, 'latin1')
}

function boundedText(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8')
  if (bytes.length <= maxTextBytes) return bytes
  return Buffer.concat([bytes.subarray(0, maxTextBytes), createHash('sha256').update(bytes).digest()])
}

export function textKey(space: KeySpace, text: string): Buffer {
  return Buffer.concat([head(space), boundedText(text)])
}

export function numberKey(space: KeySpace, number: number): Buffer {
  const key = Buffer.allocUnsafe(5)
  key.write(space, 'latin1')
  key.writeUInt32BE(number, 1)
  return key
}

export function filterKey(number: number, filter: string): Buffer {
  return Buffer.concat([numberKey('b', number), boundedText(filter)])
}

/** Positive doubles sort like their bytes, and hold every safe integer. */
export function sequenceKey(space: 'q' | 'f', number: number, sequence: number): Buffer {
  const key = Buffer.allocUnsafe(13)
  key.write(space, 'latin1')
  key.writeUInt32BE(number, 1)
  key.writeDoubleBE(sequence, 5)
  return key
}

/** Of a key that begins with a session's number. */
export function numberOf(key: Buffer): number {
  return key.readUInt32BE(1)
}

export function sequenceOf(key: Buffer): number {
  return key.readDoubleBE(5)
}

export function packetKey(number: number, packetId: number): Buffer {
  const key = Buffer.allocUnsafe(7)
  key.write('i', 'latin1')
  key.writeUInt32BE(number, 1)
  key.writeUInt16BE(packetId, 5)
  return key
}

/** The first key behind every key that begins with `prefix`. */
export function after(prefix: Uint8Array): Buffer {
  const end = Buffer.from(prefix)
  for (let i = end.length - 1; i >= 0; i--) {
    const byte = end[i] ?? 0
    if (byte < 0xff) {
      end[i] = byte + 1
      return end.subarray(0, i + 1)
    }
  }
  return Buffer.alloc(maxTextBytes * 2, 0xff)
}

/** The first key behind `key` itself. */
export function next(key: Uint8Array): Buffer {
  return Buffer.concat([key, Buffer.of(0)])
}

/** Every key of a space, or of one session in it. */
export function spaceRange(space: KeySpace, number?: number): readonly [from: Buffer, to: Buffer] {
  const prefix = number === undefined ? head(space) : numberKey(space, number)
  return [prefix, after(prefix)]
}

/** Keys of texts that begin with `start`; of long texts perhaps others too. */
export function textRange(space: KeySpace, start: string): readonly [from: Buffer, to: Buffer] {
  const prefix = Buffer.concat([head(space), Buffer.from(start, 'utf8').subarray(0, maxTextBytes)])
  return [prefix, after(prefix)]
}
