import { z } from '@hono/zod-openapi'
import { deviceSchema, quarantineInput, toDevice } from '../device-schemas.ts'
import { deviceIdField } from '../fields.ts'
import { defineRoute, type Route } from '../route.ts'
import type { RouteDeps } from '../route-deps.ts'
import { seenDevice } from '../site-access.ts'

const ofDevice = z.strictObject({ id: deviceIdField })
const path = '/api/v1/devices/{id}/quarantine'
const tag = 'Devices'

export function quarantineRoutes({ state, changes, peers }: RouteDeps): Route[] {
  return [
    defineRoute({
      method: 'post',
      path,
      tag,
      summary: 'Put a device into quarantine',
      description:
        'At once: its connections end, its CONNECT is refused with 0x05, and what its gateway sends for it is acknowledged, ' +
        'goes to nobody and is listed as rejected (`quarantined`), as are its attempts to connect. Its credentials, its ' +
        'readings and its rules stay; since nothing that it sends counts, it is silent to them, and the rules about silence ' +
        'raise their alerts. It lasts, over restarts, until the device is released.',
      policy: { role: 'admin', scope: 'devices:write', sites: 'own' },
      request: { params: ofDevice, body: quarantineInput },
      responses: { 200: { description: 'The device as it is now', schema: deviceSchema } },
      async handler({ params, body }, context) {
        await seenDevice(state.devices, context.principal, params.id)
        const device = await changes.apply(context, (unit) => unit.devices.quarantine(params.id, body.reason))
        const [presence] = await peers.ingest.presence([device.id])
        return { status: 200, body: toDevice(device, presence) }
      },
    }),
    defineRoute({
      method: 'delete',
      path,
      tag,
      summary: 'Release a device from quarantine',
      policy: { role: 'admin', scope: 'devices:write', sites: 'own' },
      request: { params: ofDevice },
      responses: { 204: { description: 'It may connect again' } },
      async handler({ params }, context) {
        await seenDevice(state.devices, context.principal, params.id)
        await changes.apply(context, (unit) => unit.devices.release(params.id))
        return { status: 204 }
      },
    }),
  ]
}
