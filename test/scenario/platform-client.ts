import { z } from 'zod'

/** The HTTP API as scripts outside see it: only what scenarios, benchmarks and chaos ask. */

const reading = z.object({ time: z.iso.datetime(), value: z.number(), quality: z.string() })
const readingPage = z.object({ items: z.array(reading), nextCursor: z.string().nullish() })
const created = z.object({ id: z.string(), token: z.string() })
const createdKey = z.object({ id: z.string(), key: z.string() })
const latest = z.object({
  items: z.array(
    z.object({ metric: z.string(), time: z.string(), value: z.number(), unit: z.string(), quality: z.string() }),
  ),
})
const rules = z.object({ items: z.array(z.object({ id: z.string(), enabled: z.boolean() })) })
const rejected = z.object({
  items: z.array(
    z.object({
      time: z.string(),
      deviceId: z.string().nullable(),
      clientId: z.string(),
      topic: z.string(),
      reason: z.string(),
      payloadBase64: z.string(),
    }),
  ),
})
const status = z.object({
  log: z.object({
    head: z.number(),
    durable: z.number(),
    bytes: z.number(),
    full: z.boolean(),
    consumers: z.array(z.object({ name: z.string(), position: z.number(), lag: z.number() })),
  }),
  ingest: z.object({
    position: z.number(),
    storeDown: z.boolean(),
    messages: z.number(),
    readings: z.number(),
    duplicates: z.number(),
    redeliveries: z.number(),
    rejected: z.record(z.string(), z.number()),
  }),
  readings: z.object({ readings: z.number().nullable(), lateRows: z.number() }),
  broker: z.object({ connections: z.number(), ackedTotal: z.number(), droppedQos0Total: z.number() }),
})

export type Reading = z.infer<typeof reading>
export type PlatformStatus = z.infer<typeof status>
export type RejectedItem = z.infer<typeof rejected>['items'][number]

export interface NewDevice {
  readonly id: string
  readonly profileId: string
  readonly gatewayId?: string
}

export interface PlatformClient {
  /** Any request; the caller judges the answer. */
  request(method: string, path: string, body?: unknown): Promise<Response>
  createDevice(device: NewDevice): Promise<{ readonly id: string; readonly token: string }>
  /** Up to a thousand. */
  rules(): Promise<z.infer<typeof rules>['items']>
  enableRule(id: string, enabled: boolean): Promise<void>
  /** A viewer's key for all sites: MQTT user name `key:{id}`, password `key`. */
  createKey(name: string): Promise<{ readonly id: string; readonly key: string }>
  /** All readings of the series, page by page, oldest first. */
  readings(deviceId: string, metric: string): AsyncIterable<Reading>
  latest(deviceId: string): Promise<z.infer<typeof latest>['items']>
  rejected(): Promise<readonly RejectedItem[]>
  /** Rejects while a part of the platform does not answer. */
  status(): Promise<PlatformStatus>
  metrics(): Promise<string>
}

const pageSize = 10_000
const requestTimeoutMs = 30_000

export function createPlatformClient(baseUrl: () => string, key: string): PlatformClient {
  async function request(method: string, path: string, body?: unknown): Promise<Response> {
    // A connection that was kept may end just as it is used again; what only reads may be asked twice.
    if (method === 'GET') return send(method, path).catch(() => send(method, path))
    return send(method, path, body)
  }

  async function send(method: string, path: string, body?: unknown): Promise<Response> {
    return fetch(`${baseUrl()}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      signal: AbortSignal.timeout(requestTimeoutMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  }

  async function answer<T>(schema: z.ZodType<T>, method: string, path: string, body?: unknown): Promise<T> {
    const response = await request(method, path, body)
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path} failed: ${response.status} ${text.slice(0, 500)}`)
    return schema.parse(JSON.parse(text))
  }

  return {
    request,
    createDevice: (device) => answer(created, 'POST', '/api/v1/devices', device),
    rules: async () => (await answer(rules, 'GET', '/api/v1/rules')).items,
    enableRule: async (id, enabled) => {
      await answer(z.object({}), 'PATCH', `/api/v1/rules/${id}`, { enabled })
    },
    createKey: (name) => answer(createdKey, 'POST', '/api/v1/keys', { name, role: 'viewer' }),
    async *readings(deviceId, metric) {
      let cursor: string | null | undefined
      do {
        const query = new URLSearchParams({ metric, from: '0', to: '4102444800000', limit: String(pageSize) })
        if (cursor) query.set('cursor', cursor)
        const page = await answer(readingPage, 'GET', `/api/v1/devices/${deviceId}/readings?${query}`)
        yield* page.items
        cursor = page.nextCursor
      } while (cursor)
    },
    latest: async (deviceId) => (await answer(latest, 'GET', `/api/v1/devices/${deviceId}/latest`)).items,
    rejected: async () => (await answer(rejected, 'GET', '/api/v1/rejected')).items,
    status: () => answer(status, 'GET', '/api/v1/status'),
    metrics: async () => (await request('GET', '/metrics')).text(),
  }
}
