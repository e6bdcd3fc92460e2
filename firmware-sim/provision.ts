import { z } from 'zod'
import { type PlatformApi, refused } from './platform-api.ts'
import type { Span } from './truth/span.ts'

const createdSchema = z.object({ id: z.string(), token: z.string(), siteId: z.string().default('main') })

export interface ProvisionedDevice {
  readonly id: string
  readonly token: string
  readonly siteId: string
  /** When it was registered. */
  readonly registered: Span
}

export interface NewDevice {
  readonly id: string
  readonly profileId: string
}

const atOnce = 16

/** Registers the devices over HTTP and resolves with their tokens, in their order. */
export async function provision(api: PlatformApi, devices: readonly NewDevice[]): Promise<ProvisionedDevice[]> {
  const registered: ProvisionedDevice[] = []
  for (let i = 0; i < devices.length; i += atOnce) {
    registered.push(...(await Promise.all(devices.slice(i, i + atOnce).map((device) => register(api, device)))))
  }
  return registered
}

/** Removes them again; what they measured stays. */
export async function unregister(api: PlatformApi, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const answer = await api.ask('DELETE', `/api/v1/devices/${id}`)
    if (answer.status >= 300) throw refused(`remove device ${id}`, answer)
  }
}

async function register(api: PlatformApi, device: NewDevice): Promise<ProvisionedDevice> {
  const fromMs = Date.now()
  const answer = await api.ask('POST', '/api/v1/devices', device)
  if (answer.status !== 201) throw refused(`register device ${device.id}`, answer)
  return { ...createdSchema.parse(answer.body), registered: { fromMs, toMs: Date.now() } }
}
