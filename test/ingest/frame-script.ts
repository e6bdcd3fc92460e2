import {
  builtInProfiles,
  controlTopic,
  type DeviceRecord,
  encodeOrigin,
  FrameWriter,
  frameFlags,
  frameKind,
  type ProfileRecord,
  parseDeviceId,
  parseProfileId,
  parseSiteId,
} from '../../model/index.ts'

/** 2026-11-23T12:00:00Z */
export const noon = 1_795_435_200_000

export interface PublishOptions {
  /** Client that sends it, as `principal/clientId`; default: the device of the topic, client `c`. */
  readonly from?: string
  readonly session?: number
  readonly packetId?: number
  readonly qos?: 0 | 1 | 2
  readonly dup?: boolean
  readonly retain?: boolean
}

/** Writes what a log would hold, in the order of the calls. */
export class FrameScript {
  readonly #writer = new FrameWriter()
  /** Received time of the frames to come. */
  nowMs = noon
  /** Offsets at which frames end. */
  readonly ends: number[] = [0]

  bytes(): Buffer {
    return Buffer.from(this.#writer.view())
  }

  get length(): number {
    return this.#writer.length
  }

  /** Lets time pass. */
  pass(ms: number): this {
    this.nowMs += ms
    return this
  }

  profiles(...profiles: readonly ProfileRecord[]): this {
    for (const profile of profiles.length === 0 ? builtInProfiles : profiles)
      this.control(controlTopic.profile(profile.id), profile)
    return this
  }

  device(id: string, number: number, more: Partial<DeviceRecord> = {}): this {
    return this.control(controlTopic.device(parseDeviceId(id)), deviceRecord(id, number, more))
  }

  control(topic: string, record: object | undefined): this {
    const payload = record === undefined ? new Uint8Array(0) : Buffer.from(JSON.stringify(record))
    return this.#append({ kind: frameKind.control, topic, payload })
  }

  publish(topic: string, payload: string | Uint8Array, options: PublishOptions = {}): this {
    const { from = `${topic.split('/')[2] ?? ''}/c`, session = 1, packetId = 0, qos = packetId > 0 ? 1 : 0 } = options
    const flags = qos | (options.dup === true ? frameFlags.dup : 0) | (options.retain === true ? frameFlags.retain : 0)
    return this.#append({
      kind: frameKind.message,
      flags,
      packetId,
      session,
      origin: originOf(from),
      topic,
      payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
    })
  }

  telemetry(id: string, payload: unknown, options: PublishOptions = {}): this {
    return this.publish(`pel/v1/${id}/telemetry`, JSON.stringify(payload), options)
  }

  presence(event: 'connected' | 'disconnected' | 'broker-started', from = ''): this {
    return this.#append({ kind: frameKind.presence, topic: event, origin: originOf(from) })
  }

  refusal(topic: string, reason: string, payload: string, from: string): this {
    return this.#append({
      kind: frameKind.refusal,
      topic,
      origin: originOf(from),
      payload: Buffer.from(`${reason}\0${payload}`),
    })
  }

  tick(): this {
    return this.#append({ kind: frameKind.tick })
  }

  seal(): this {
    return this.#append({ kind: frameKind.seal, payload: new Uint8Array(12) })
  }

  #append(fields: Omit<Parameters<FrameWriter['append']>[0], 'receivedMs'>): this {
    this.#writer.append({ ...fields, receivedMs: this.nowMs })
    this.ends.push(this.#writer.length)
    return this
  }
}

function originOf(from: string): Uint8Array {
  const [principal = '', clientId = ''] = from.split('/')
  return encodeOrigin(principal, clientId)
}

export function deviceRecord(id: string, number: number, more: Partial<DeviceRecord> = {}): DeviceRecord {
  return {
    id: parseDeviceId(id),
    number,
    siteId: parseSiteId('main'),
    profileId: parseProfileId('meter-1ph'),
    assetId: null,
    gatewayId: null,
    name: id,
    attributes: {},
    tags: [],
    limits: {},
    ...more,
  }
}
