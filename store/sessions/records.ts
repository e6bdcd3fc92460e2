/** What may be kept of a PUBLISH. */
export interface StoredMessage {
  readonly topic: string
  /** A string comes back as a string. */
  readonly payload: Buffer | string
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  /** Anything else worth keeping, as JSON; MQTT 3.1.1 has nothing of the kind. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined
}

export interface Subscription {
  readonly filter: string
  readonly qos: 0 | 1 | 2
  readonly extra?: Readonly<Record<string, unknown>> | undefined
}

export interface SessionRecord {
  readonly clientId: string
  readonly number: number
  readonly hoursOffline: number
}

/** How far a queued message's delivery is. A message that was never sent has none. */
export interface FlightRecord {
  readonly packetId: number
  /** `release`: PUBREC has come, PUBREL is owed until PUBCOMP comes [MQTT-4.3.3-1]. */
  readonly stage: 'publish' | 'release'
}

export interface Will {
  readonly clientId: string
  readonly brokerId: string
  readonly message: StoredMessage
}

export interface Usage {
  readonly count: number
  readonly bytes: number
}

const flag = { qosMask: 0b11, retain: 0b100, text: 0b1000 } as const

/** u8 flags, u16 topic length, u32 extra length, topic, extra, payload. */
export function encodeMessage(message: StoredMessage): Buffer {
  const { topic, payload } = message
  const topicBytes = Buffer.byteLength(topic)
  const extra = encodeExtra(message.extra)
  const bytes = Buffer.allocUnsafe(7 + topicBytes + extra.length + Buffer.byteLength(payload))
  bytes[0] = message.qos | (message.retain ? flag.retain : 0) | (typeof payload === 'string' ? flag.text : 0)
  bytes.writeUInt16LE(topicBytes, 1)
  bytes.writeUInt32LE(extra.length, 3)
  bytes.write(topic, 7)
  bytes.set(extra, 7 + topicBytes)
  const start = 7 + topicBytes + extra.length
  if (typeof payload === 'string') bytes.write(payload, start)
  else bytes.set(payload, start)
  return bytes
}

export function decodeMessage(bytes: Buffer): StoredMessage {
  const flags = bytes.readUInt8(0)
  const extraStart = 7 + bytes.readUInt16LE(1)
  const payloadStart = extraStart + bytes.readUInt32LE(3)
  const payload = bytes.subarray(payloadStart)
  return {
    topic: bytes.toString('utf8', 7, extraStart),
    payload: flags & flag.text ? payload.toString() : payload,
    qos: toQos(flags & flag.qosMask),
    retain: (flags & flag.retain) !== 0,
    extra: decodeExtra(bytes.subarray(extraStart, payloadStart)),
  }
}

/** u8 QoS, u16 filter length, filter, extra. */
export function encodeSubscription(subscription: Subscription): Buffer {
  const filter = Buffer.from(subscription.filter)
  const head = Buffer.of(subscription.qos, filter.length & 0xff, filter.length >> 8)
  return Buffer.concat([head, filter, encodeExtra(subscription.extra)])
}

export function decodeSubscription(bytes: Buffer): Subscription {
  const end = 3 + bytes.readUInt16LE(1)
  return {
    filter: bytes.toString('utf8', 3, end),
    qos: toQos(bytes.readUInt8(0)),
    extra: decodeExtra(bytes.subarray(end)),
  }
}

/** u32 number, u16 hours offline, client id. */
export function encodeSession(session: SessionRecord): Buffer {
  const bytes = Buffer.alloc(6)
  bytes.writeUInt32LE(session.number)
  bytes.writeUInt16LE(session.hoursOffline, 4)
  return Buffer.concat([bytes, Buffer.from(session.clientId)])
}

export function decodeSession(bytes: Buffer): SessionRecord {
  return { number: bytes.readUInt32LE(0), hoursOffline: bytes.readUInt16LE(4), clientId: bytes.toString('utf8', 6) }
}

/** u16 packet identifier, u8 stage. */
export function encodeFlight(flight: FlightRecord): Buffer {
  return Buffer.of(flight.packetId & 0xff, flight.packetId >> 8, flight.stage === 'release' ? 1 : 0)
}

export function decodeFlight(bytes: Buffer): FlightRecord {
  return { packetId: bytes.readUInt16LE(0), stage: bytes.readUInt8(2) === 1 ? 'release' : 'publish' }
}

/** u16 client id length, u16 broker id length, client id, broker id, message. */
export function encodeWill(will: Will): Buffer {
  const clientId = Buffer.from(will.clientId)
  const brokerId = Buffer.from(will.brokerId)
  const head = Buffer.alloc(4)
  head.writeUInt16LE(clientId.length)
  head.writeUInt16LE(brokerId.length, 2)
  return Buffer.concat([head, clientId, brokerId, encodeMessage(will.message)])
}

export function decodeWill(bytes: Buffer): Will {
  const brokerStart = 4 + bytes.readUInt16LE(0)
  const messageStart = brokerStart + bytes.readUInt16LE(2)
  return {
    clientId: bytes.toString('utf8', 4, brokerStart),
    brokerId: bytes.toString('utf8', brokerStart, messageStart),
    message: decodeMessage(bytes.subarray(messageStart)),
  }
}

/** f64 count, f64 bytes. */
export function encodeUsage(usage: Usage): Buffer {
  const bytes = Buffer.alloc(16)
  bytes.writeDoubleLE(usage.count)
  bytes.writeDoubleLE(usage.bytes, 8)
  return bytes
}

export function decodeUsage(bytes: Buffer): Usage {
  return { count: bytes.readDoubleLE(0), bytes: bytes.readDoubleLE(8) }
}

export function encodeNumber(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return bytes
}

export function decodeNumber(bytes: Buffer | undefined): number {
  return bytes === undefined ? 0 : bytes.readDoubleLE(0)
}

function toQos(value: number): 0 | 1 | 2 {
  return value === 2 ? 2 : value === 1 ? 1 : 0
}

function encodeExtra(extra: Readonly<Record<string, unknown>> | undefined): Buffer {
  return Buffer.from(extra === undefined ? '' : JSON.stringify(extra))
}

function decodeExtra(bytes: Buffer): Readonly<Record<string, unknown>> | undefined {
  return bytes.length === 0 ? undefined : JSON.parse(bytes.toString())
}
