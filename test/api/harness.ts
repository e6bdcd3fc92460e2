import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { hashPassword } from 'better-auth/crypto'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { expect, vi } from 'vitest'
import { type Api, type ApiSettings, apiConfigSchema, createApi, type TlsPair } from '../../api/index.ts'
import { createTelemetryCheck, ingestConfigSchema } from '../../ingest/index.ts'
import {
  type Clock,
  type DeviceRecord,
  parseDeviceId,
  parseMetricName,
  ReadingBatchBuilder,
} from '../../model/index.ts'
import { validateRule } from '../../rules/index.ts'
import { type Cache, createMemoryCache } from '../../store/cache/index.ts'
import type { Redis } from '../../store/redis/index.ts'
import {
  type ApiKeyInput,
  type AuditCheckpoint,
  createOutboxRelay,
  openState,
  type PersonInput,
  type PersonRecord,
  platformActor,
  type State,
  seedState,
  stateConfigSchema,
} from '../../store/state/index.ts'
import { makeTempFolder } from '../setup/temp-folder.ts'
import { contractFaults, type OpenApiDocument, openApiDocument } from './contract.ts'
import { createFakePeers, type FakePeers } from './fake-peers.ts'

/** The moment at which every test begins. */
export const startMs = Date.parse('2026-11-23T10:00:00.000Z')

export interface RequestOptions {
  /** `null`: none; default: the admin's, or none beside a cookie. */
  readonly key?: string | null
  /** As a page of the platform would send it. */
  readonly cookie?: string
  /** Sent as JSON. */
  readonly body?: unknown
  /** Sent as it is. */
  readonly raw?: string | Uint8Array<ArrayBuffer>
  readonly headers?: Readonly<Record<string, string>>
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests read into answers that the document has vouched for
  readonly body: any
}

export interface Harness extends AsyncDisposable {
  readonly url: string
  readonly api: Api
  readonly state: State
  /** The same, as another thread or another process has it. */
  openAgain(): Promise<State>
  readonly fake: FakePeers
  readonly document: OpenApiDocument
  readonly adminKey: string
  readonly clock: Clock & { nowMs: number }
  /** From warnings on, but for refused requests. */
  readonly logged: Record<string, unknown>[]
  readonly refused: Record<string, unknown>[]
  /** What the service levels were told of. */
  readonly answered: readonly { readonly durationMs: number; readonly status: number }[]
  /** What the platform has written down of its audit log beside the database. */
  readonly recordedCheckpoints: AuditCheckpoint[]
  /** Over real HTTP; fails the test when the answer is not what the OpenAPI document promises. */
  request(method: string, path: string, options?: RequestOptions): Promise<Answer>
  get(path: string, options?: RequestOptions): Promise<Answer>
  post(path: string, body: unknown, options?: RequestOptions): Promise<Answer>
  issueKey(input: Partial<ApiKeyInput>): Promise<string>
  /** Somebody with the password `password`. */
  addPerson(input?: Partial<PersonInput>): Promise<PersonRecord>
  /** The same, signed in. */
  signIn(input?: Partial<PersonInput>): Promise<{ readonly person: PersonRecord; readonly cookie: string }>
  /** Moves the clock, and the system's where somebody has signed in. */
  setTime(nowMs: number): void
  /** Puts readings of a device into the store, as ingest would. */
  measure(
    deviceId: string,
    metric: string,
    readings: readonly (readonly [timeMs: number, value: number])[],
  ): Promise<void>
  stop(): Promise<void>
}

/** Of everybody whom the harness makes. */
export const password = 'correct horse battery'
const passwordHash = hashPassword(password)

/** The Cookie header that a browser would send after this answer. */
export function cookieOf({ headers }: Pick<Answer, 'headers'>): string {
  return headers
    .getSetCookie()
    .filter((cookie) => !/max-age=0/i.test(cookie))
    .map((cookie) => cookie.split(';', 1)[0])
    .join('; ')
}

interface StartOptions {
  readonly tls?: TlsPair
  readonly redis?: Redis
  readonly cache?: Cache
}

export async function startApi(
  overrides: Partial<ApiSettings> = {},
  { tls, redis, cache = createMemoryCache({ maxBytes: 10_000_000 }) }: StartOptions = {},
): Promise<Harness> {
  const folder = makeTempFolder('api')
  const clock = { nowMs: startMs, now: () => clock.nowMs }
  const logged: Record<string, unknown>[] = []
  const answered: { durationMs: number; status: number }[] = []
  const recordedCheckpoints: AuditCheckpoint[] = []
  const refused: Record<string, unknown>[] = []
  const keep = (line: { readonly msg?: string }) => (line.msg === 'request refused' ? refused : logged).push(line)
  const logger = pino({ level: 'warn' }, { write: (line: string) => void keep(JSON.parse(line)) })
  const stateConfig = {
    ...stateConfigSchema.parse({}),
    file: join(folder.path, 'state.db'),
    migrate: true,
    tokenSecret: randomBytes(32),
  }
  const openAgain = () => openState(stateConfig, { clock, logger })
  const state = await openAgain()
  await seedState(state, { timeZone: 'Asia/Jakarta', currency: 'IDR' })
  const fake = createFakePeers()
  const relay = createOutboxRelay(state.outbox, fake.peers.log.append)
  await relay.flush()
  fake.controls.length = 0

  // Thousands of requests are what some tests are made of; those about limits set them.
  const unlimited = { principalPerMin: 0, addressPerMin: 0, signInPerMin: 0 }
  const api = createApi(apiConfigSchema.parse({ port: 0, peerTimeoutMs: 200, ...unlimited, ...overrides }), {
    state,
    relay,
    peers: fake.peers,
    validateRule,
    checkTelemetry: createTelemetryCheck(ingestConfigSchema.parse({})),
    recordedCheckpoints: async () => recordedCheckpoints,
    accountSecret: randomBytes(32),
    metrics: new Registry(),
    service: {
      answered: (durationMs, status) => void answered.push({ durationMs, status }),
      cacheAsked: () => undefined,
    },
    cache,
    era: await state.dataVersions.renew(),
    logger,
    clock,
    version: '0.0.0-test',
    tls,
    redis,
  })
  async function stop(): Promise<void> {
    await api.stop()
    await state.close()
    vi.useRealTimers()
    folder.remove()
  }
  try {
    await api.start()
  } catch (error) {
    await stop()
    throw error
  }
  const url = `http://127.0.0.1:${api.ports().plain}`

  async function issueKey(input: Partial<ApiKeyInput>): Promise<string> {
    const whole: ApiKeyInput = { name: 'test', role: 'viewer', sites: 'all', scopes: [], expiresMs: null, ...input }
    return (await state.change(platformActor, (unit) => unit.credentials.issueKey(whole))).token
  }
  const adminKey = await issueKey({ name: 'admin', role: 'admin' })
  const described = await fetch(`${url}/openapi.json`, { headers: { authorization: `Bearer ${adminKey}` } })
  const document = openApiDocument.parse(await described.json())

  async function request(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const { body, raw, cookie, key = cookie === undefined ? adminKey : null } = options
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(key !== null && { authorization: `Bearer ${key}` }),
        ...(cookie !== undefined && { cookie, origin: url }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(raw !== undefined && { body: raw }),
    })
    const contentType = response.headers.get('content-type')
    // One that goes on is for the tests that follow it.
    const isStream = contentType === 'text/event-stream'
    if (isStream) await response.body?.cancel()
    const text = isStream ? 'events' : await response.text()
    const parsed =
      text === '' ? undefined : /^application\/(?:problem\+)?json$/.test(contentType ?? '') ? JSON.parse(text) : text
    if (method !== 'HEAD')
      expect(
        contractFaults(document, { method, path, status: response.status, contentType, body: parsed, sent: body }),
      ).toEqual([])
    return { status: response.status, headers: response.headers, body: parsed }
  }

  let people = 0
  async function addPerson(input: Partial<PersonInput> = {}): Promise<PersonRecord> {
    const email = `person-${++people}@example.com`
    const whole = {
      name: 'Ani',
      email,
      language: 'en',
      timeZone: null,
      role: 'viewer',
      sites: 'all',
      ...input,
    } as const
    const hash = await passwordHash
    return state.change(platformActor, async (unit) => {
      const { id } = await unit.people.create(whole)
      return unit.accounts.setPassword(id, hash)
    })
  }

  async function signIn(input: Partial<PersonInput> = {}) {
    const person = await addPerson(input)
    // The account library asks the system for the time, and compares it with what we wrote.
    if (!vi.isFakeTimers()) vi.useFakeTimers({ toFake: ['Date'], now: clock.nowMs })
    const body = { email: person.email, password, remember: true }
    const answer = await request('POST', '/api/v1/auth/sign-in', { key: null, body })
    return { person, cookie: cookieOf(answer) }
  }

  function setTime(nowMs: number): void {
    clock.nowMs = nowMs
    if (vi.isFakeTimers()) vi.setSystemTime(nowMs)
  }

  let batches = 0
  async function measure(deviceId: string, metric: string, readings: readonly (readonly [number, number])[]) {
    const device = await seenDevice(deviceId)
    const profile = await state.profiles.get(device.profileId)
    const [info] = await state.series.ensure([
      {
        deviceId: device.id,
        deviceNumber: device.number,
        metric: parseMetricName(metric),
        profileId: device.profileId,
        known: profile?.metrics.some(({ name }) => name === metric) ?? false,
      },
    ])
    if (info === undefined) throw new Error(`no series of ${deviceId} ${metric}`)
    fake.series.set(info.seriesId, info)
    const batch = new ReadingBatchBuilder()
    for (const [timeMs, value] of readings) batch.push(info.seriesId, timeMs, value, 0, timeMs, Number.NaN)
    await fake.readings.write(batch, ++batches)
  }

  async function seenDevice(deviceId: string): Promise<DeviceRecord> {
    const device = await state.devices.get(parseDeviceId(deviceId))
    if (device === undefined) throw new Error(`no device ${deviceId}`)
    return device
  }

  return {
    url,
    api,
    state,
    openAgain,
    fake,
    document,
    adminKey,
    clock,
    logged,
    refused,
    answered,
    recordedCheckpoints,
    request,
    get: (path, options) => request('GET', path, options),
    post: (path, body, options) => request('POST', path, { ...options, body }),
    issueKey,
    addPerson,
    signIn,
    setTime,
    measure,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
