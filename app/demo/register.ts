import { AppError } from '../../model/index.ts'
import { places, site } from './building.ts'

/** The public API, as any integrator would use it. */
export type CallApi = <T>(method: string, path: string, body?: unknown) => Promise<T>

export function createCallApi(httpUrl: string, key: string): CallApi {
  return async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(`${httpUrl}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new AppError('internal', `${method} ${path} failed: ${await response.text()}`)
    return (await response.json()) as T
  }
}

/** Registers the building; resolves with each point's device and token. */
export async function registerBuilding(call: CallApi): Promise<Record<string, { id: string; token: string }>> {
  const { id: siteId, ...rest } = site
  await call('PATCH', `/sites/${siteId}`, rest)
  const devices: Record<string, { id: string; token: string }> = {}
  for (const { point, deviceId, profileId, asset } of places) {
    await call('POST', '/assets', { ...asset, siteId })
    const device = { id: deviceId, name: asset.name, profileId, siteId, assetId: asset.id }
    const { token } = await call<{ token: string }>('POST', '/devices', device)
    devices[point] = { id: deviceId, token }
  }
  return devices
}
