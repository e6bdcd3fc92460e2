import { z } from 'zod'

const createdSchema = z.object({ id: z.string(), token: z.string() })
export type ProvisionedDevice = z.infer<typeof createdSchema>

const atOnce = 16
const timeoutMs = 10_000

export interface PlatformAccess {
  /** For instance `http://127.0.0.1:8080`. */
  readonly httpUrl: string
  /** An admin's API key. */
  readonly key: string
}

/** Registers the devices over HTTP and resolves with their tokens, in the order of the ids. */
export async function provision(
  { httpUrl, key }: PlatformAccess,
  ids: readonly string[],
  profileId: string,
): Promise<ProvisionedDevice[]> {
  const devices: ProvisionedDevice[] = []
  for (let i = 0; i < ids.length; i += atOnce) {
    devices.push(...(await Promise.all(ids.slice(i, i + atOnce).map((id) => register(id)))))
  }
  return devices

  async function register(id: string): Promise<ProvisionedDevice> {
    const url = new URL('/api/v1/devices', httpUrl)
    const response = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ id, profileId }),
      signal: AbortSignal.timeout(timeoutMs),
    }).catch((error: unknown) => {
      const why = error instanceof Error && error.cause instanceof Error ? error.cause : error
      throw new Error(`reach ${url} failed: ${why instanceof Error ? why.message : String(why)}`, { cause: error })
    })
    const text = await response.text()
    if (response.status !== 201)
      throw new Error(`register device ${id} failed: ${response.status} ${text.slice(0, 300)}`)
    return createdSchema.parse(JSON.parse(text))
  }
}
