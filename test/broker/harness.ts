import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { join } from 'node:path'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { type Logger, pino } from 'pino'
import {
  type Broker,
  type BrokerConfig,
  brokerConfigSchema,
  createBroker,
  createSessionPersistence,
  type MqttIdentity,
} from '../../broker/index.ts'
import {
  type Clock,
  type DeviceId,
  type DeviceLimits,
  FrameCursor,
  type FrameKind,
  frameKind,
  parseDeviceId,
  parseKeyId,
  parseScalarTopic,
  parseSiteId,
  type SiteId,
  type SiteScope,
  systemClock,
} from '../../model/index.ts'
import {
  type AppendTarget,
  createLogAppender,
  type LogAppender,
  type LogAppenderConfig,
  openSegmentLog,
  type SegmentLog,
} from '../../store/log/index.ts'
import { createLmdbSessions } from '../../store/sessions/index.ts'
import { makeTempFolder } from '../setup/temp-folder.ts'
import { waitUntil } from '../setup/wait.ts'

/** One frame of the log, taken apart. */
export interface Frame {
  readonly kind: FrameKind
  readonly flags: number
  readonly packetId: number
  readonly session: number
  readonly principal: string
  readonly clientId: string
  readonly topic: string
  readonly payload: string
}

export interface TestDevice {
  readonly site?: string
  readonly gateway?: string
  readonly quarantined?: boolean
  readonly limits?: DeviceLimits
}

export interface HarnessOptions {
  readonly config?: Partial<BrokerConfig>
  readonly devices?: Readonly<Record<string, TestDevice>>
  readonly keys?: Readonly<Record<string, SiteScope>>
  /** Of devices and `key:{id}`; the others are good for ever. */
  readonly expiresMs?: Readonly<Record<string, number>>
  readonly clock?: Clock
  /** Fingerprints. */
  readonly revokedCertificates?: readonly string[]
  /** Awaited before it is said who a client is. */
  readonly identified?: () => Promise<void>
  readonly logger?: Logger
  /** What stands between the broker and its log. */
  readonly wrapAppender?: (appender: LogAppender) => LogAppender
  /** What stands between the appender and its log. */
  readonly wrapLog?: (log: SegmentLog) => AppendTarget
  readonly appender?: LogAppenderConfig
  /** Kept by the caller; without it a folder of its own. */
  readonly folder?: string
}

/** Passwords of the tests: of the device or key itself. */
export const passwordOf = (name: string) => `secret of ${name}`

/** A broker on a real log and real sessions, with devices and keys from a table. */
export interface Harness extends AsyncDisposable {
  readonly broker: Broker
  readonly port: number
  readonly log: SegmentLog
  /** Devices may be added and removed while it runs. */
  readonly devices: Map<string, TestDevice>
  /** Durable frames, from the first. */
  frames(kind?: FrameKind): Promise<Frame[]>
  messages(): Promise<Frame[]>
  /** A raw socket, nothing sent yet. */
  raw(): Promise<RawClient>
  /** An `mqtt` client, connected. */
  client(name: string, options?: IClientOptions): Promise<MqttClient>
  /** Stops it as the platform does, keeping the folder of the caller. */
  stop(): Promise<void>
}

export async function startHarness(options: HarnessOptions = {}): Promise<Harness> {
  const temp = options.folder === undefined ? makeTempFolder('broker') : undefined
  const folder = options.folder ?? temp?.path ?? ''
  const devices = new Map(Object.entries(options.devices ?? { meter1: {} }))
  const keys = new Map(Object.entries(options.keys ?? {}))
  const config = brokerConfigSchema.parse({ host: '127.0.0.1', port: 0, ...options.config })
  const log = await openSegmentLog({
    folder: join(folder, 'log'),
    maxBytes: 256 * 1024 * 1024,
    reserveBytes: 0,
    segmentBytes: 16 * 1024 * 1024,
    consumers: ['fanout', 'ingest'],
  })
  const onFailure = (error: Error) => {
    throw error
  }
  const appender = createLogAppender(options.wrapLog?.(log) ?? log, { clock: systemClock, onFailure }, options.appender)
  appender.start()
  const sessions = createLmdbSessions({ folder: join(folder, 'sessions') })
  await sessions.open()
  const persistence = createSessionPersistence(sessions)
  const broker = createBroker(config, {
    access: {
      identify: async ({ username, password }) => {
        if (password !== passwordOf(username)) return undefined
        await options.identified?.()
        const identity = identityOf(username, devices, keys)
        return identity && { ...identity, expiresMs: options.expiresMs?.[username] }
      },
      identifyCertificate: async ({ commonName, username = commonName, fingerprint, validToMs }) => {
        const identity = username === commonName ? identityOf(commonName, devices, new Map()) : undefined
        if (identity === undefined || options.revokedCertificates?.includes(fingerprint)) return undefined
        return { ...identity, secretId: `certificate:${fingerprint}`, expiresMs: validToMs }
      },
      isGatewayOf: (gateway, device) => devices.get(device)?.gateway === gateway,
      siteOf: (device: DeviceId): SiteId | undefined => {
        const known = devices.get(device)
        return known && parseSiteId(known.site ?? 'main')
      },
      isQuarantined: (device) => devices.get(device)?.quarantined ?? false,
    },
    appender: options.wrapAppender?.(appender) ?? appender,
    log,
    pacedBy: 'ingest',
    persistence,
    sessions: persistence,
    ledger: persistence,
    topics: { scalarTopics: [parseScalarTopic('panel/{device}/{metric}')], metricNames: new Map() },
    clock: options.clock ?? systemClock,
    logger: options.logger ?? pino({ level: 'silent' }),
  })
  await broker.start()

  async function stop(): Promise<void> {
    await broker.stop()
    await appender.stop()
    await sessions.close()
    await log.close()
  }

  const port = broker.ports().tcp ?? 0
  const clients: { end(): void }[] = []
  return {
    broker,
    port,
    log,
    devices,
    frames: (kind) => readFrames(log, kind),
    messages: () => readFrames(log, frameKind.message),
    async raw() {
      const client = await openRaw(port)
      clients.push(client)
      return client
    },
    async client(name, clientOptions = {}) {
      const client = mqtt.connect({ ...clientDefaults(name), host: '127.0.0.1', port, ...clientOptions })
      clients.push({ end: () => void client.end(true) })
      await waitUntil('CONNACK', () => client.connected)
      return client
    },
    stop,
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.end()
      await stop()
      temp?.remove()
    },
  }
}

export function clientDefaults(name: string): IClientOptions {
  return { clientId: `client-${name}`, username: name, password: passwordOf(name), reconnectPeriod: 0 }
}

function identityOf(
  username: string,
  devices: ReadonlyMap<string, TestDevice>,
  keys: ReadonlyMap<string, SiteScope>,
): MqttIdentity | undefined {
  const device = devices.get(username)
  const secretId = `secret-of-${username}`
  if (device !== undefined)
    return { kind: 'device', deviceId: parseDeviceId(username), limits: device.limits ?? {}, secretId }
  const keyId = username.replace(/^key:/, '')
  const sites = keys.get(keyId)
  return sites === undefined ? undefined : { kind: 'key', keyId: parseKeyId(keyId), sites, secretId }
}

export async function readFrames(log: SegmentLog, kind?: FrameKind): Promise<Frame[]> {
  const cursor = new FrameCursor()
  const frames: Frame[] = []
  let position = log.stats().tail
  for (;;) {
    const slice = await log.read(position, 1024 * 1024)
    if (slice.bytes.length === 0) return frames
    cursor.reset(slice.bytes)
    while (cursor.next()) {
      if (kind !== undefined && cursor.kind !== kind) continue
      const { flags, packetId, session } = cursor
      const text = { principal: cursor.principal(), clientId: cursor.clientId(), topic: cursor.topic() }
      frames.push({ kind: cursor.kind, flags, packetId, session, ...text, payload: cursor.payload().toString() })
    }
    position = slice.end
  }
}

/** A socket that keeps what it receives. */
export interface RawClient {
  readonly received: Buffer
  readonly closed: boolean
  send(...packets: readonly Uint8Array[]): void
  /** Resolves with the first `count` bytes received. */
  bytes(count: number): Promise<Buffer>
  /** Resolves when the other side has closed, with all that it sent. */
  untilClosed(): Promise<Buffer>
  stopReading(): void
  /** Sends no more, but still receives. */
  half(): void
  end(): void
}

export async function openRaw(port: number): Promise<RawClient> {
  const socket = connectTcp(port, '127.0.0.1')
  await once(socket, 'connect')
  return rawClient(socket)
}

export function rawClient(socket: Socket): RawClient {
  const chunks: Buffer[] = []
  let closed = false
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => {})
  socket.on('end', () => {
    closed = true
  })
  socket.on('close', () => {
    closed = true
  })
  const received = () => Buffer.concat(chunks)
  return {
    get received() {
      return received()
    },
    get closed() {
      return closed
    },
    send: (...packets) => void socket.write(Buffer.concat(packets)),
    bytes: (count) => waitUntil(`${count} bytes`, () => received().length >= count && received().subarray(0, count)),
    async untilClosed() {
      await waitUntil('the connection to be closed', () => closed)
      return received()
    },
    stopReading: () => void socket.pause(),
    half: () => void socket.end(),
    end: () => void socket.destroy(),
  }
}
