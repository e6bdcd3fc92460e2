import { z } from '@hono/zod-openapi'
import type { Presence } from '../../ingest/index.ts'
import { type DeviceId, type DeviceRecord, type Principal, parseSiteId, type SiteId } from '../../model/index.ts'
import type { ChangeUnit } from '../../store/state/index.ts'
import {
  deviceInput,
  deviceListQuery,
  devicePatch,
  deviceSchema,
  newDeviceSchema,
  toDevice,
  toLimits,
} from '../device-schemas.ts'
import { deviceIdField } from '../fields.ts'
import { idPlace, loadPage, pageSchema } from '../paging.ts'
import { badField } from '../problem.ts'
import { defineRoute, type Route } from '../route.ts'
import type { RouteDeps } from '../route-deps.ts'
import { requireSite, seenDevice, visible } from '../site-access.ts'

const one = z.strictObject({ id: deviceIdField })
const tag = 'Devices'
/** Made at the first start. */
const firstSite = parseSiteId('main')

export function deviceRoutes({ state, changes, peers }: RouteDeps): Route[] {
  async function withPresence(device: DeviceRecord) {
    const [presence] = await peers.ingest.presence([device.id])
    return toDevice(device, presence)
  }

  return [
    defineRoute({
      method: 'get',
      path: '/api/v1/devices',
      tag,
      summary: 'List the devices with their presence',
      policy: { role: 'viewer', scope: 'devices:read', sites: 'own' },
      request: { query: deviceListQuery },
      responses: { 200: { description: 'Devices by id', schema: pageSchema(deviceSchema) } },
      async handler({ query }, { principal }) {
        const { siteId, assetId, profileId, gatewayId, quarantined } = query
        const presences = new Map<DeviceId, Presence>()
        const body = await loadPage(query, {
          filter: { list: 'devices', siteId, assetId, profileId, gatewayId, quarantined: quarantined?.toString() },
          place: idPlace,
          async load(page) {
            const devices = await state.devices.list({
              ...page,
              scope: principal.sites,
              siteId,
              assetId,
              profileId,
              gatewayId,
              quarantined,
            })
            const ids = devices.items.map(({ id }) => id)
            const answers = await peers.ingest.presence(ids)
            answers.forEach((presence, i) => {
              const id = ids[i]
              if (id !== undefined) presences.set(id, presence)
            })
            return devices
          },
          toItem: (device) => toDevice(device, presences.get(device.id)),
        })
        return { status: 200, body }
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/v1/devices',
      tag,
      summary: 'Create a device and its first token',
      description:
        'The answer shows the token, once: MQTT user name = `id`, password = `token`. Without `siteId` the device ' +
        'belongs to the site of its asset, else to the only site that the key may see, else to `main`.',
      policy: { role: 'admin', scope: 'devices:write', sites: 'own' },
      request: { body: deviceInput },
      responses: { 201: { description: 'The new device, with its token', schema: newDeviceSchema } },
      async handler({ body }, context) {
        const { device, issued } = await changes.apply(context, async (unit) => {
          const siteId = body.siteId ?? (await impliedSite(context.principal, body, unit))
          requireSite(context.principal, siteId)
          const device = await unit.devices.create({
            ...body,
            siteId,
            name: body.name ?? body.id,
            limits: toLimits(body.limits),
          })
          return { device, issued: await unit.credentials.issueDeviceToken(device.id) }
        })
        return {
          status: 201,
          headers: { location: `/api/v1/devices/${device.id}` },
          body: { ...toDevice(device, undefined), token: issued.token, tokenId: issued.record.id },
        }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/v1/devices/{id}',
      tag,
      summary: 'Read a device with its presence',
      policy: { role: 'viewer', scope: 'devices:read', sites: 'own' },
      request: { params: one },
      responses: { 200: { description: 'The device', schema: deviceSchema } },
      async handler({ params }, { principal }) {
        return { status: 200, body: await withPresence(await seenDevice(state.devices, principal, params.id)) }
      },
    }),
    defineRoute({
      method: 'patch',
      path: '/api/v1/devices/{id}',
      tag,
      summary: 'Change a device',
      description: 'What is left out stays as it is; `attributes`, `tags` and `limits` are replaced whole.',
      policy: { role: 'admin', scope: 'devices:write', sites: 'own' },
      request: { params: one, body: devicePatch },
      responses: { 200: { description: 'The device as it is now', schema: deviceSchema } },
      async handler({ params, body }, context) {
        await seenDevice(state.devices, context.principal, params.id)
        if (body.siteId !== undefined) requireSite(context.principal, body.siteId)
        const patch = { ...body, limits: body.limits && toLimits(body.limits) }
        const device = await changes.apply(context, (unit) => unit.devices.update(params.id, patch))
        return { status: 200, body: await withPresence(device) }
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/api/v1/devices/{id}',
      tag,
      summary: 'Delete a device, its tokens and its connections',
      description: 'Its readings stay in the store, but a new device of the same id does not get them.',
      policy: { role: 'admin', scope: 'devices:write', sites: 'own' },
      request: { params: one },
      responses: { 204: { description: 'It is gone' } },
      async handler({ params }, context) {
        await seenDevice(state.devices, context.principal, params.id)
        await changes.apply(context, (unit) => unit.devices.remove(params.id))
        return { status: 204 }
      },
    }),
  ]
}

/** Where a device goes whose site was not named. */
async function impliedSite(
  principal: Principal,
  body: z.output<typeof deviceInput>,
  unit: ChangeUnit,
): Promise<SiteId> {
  if (body.assetId !== null) {
    const asset = visible(principal, await unit.assets.get(body.assetId))
    if (asset !== undefined) return asset.siteId
    throw badField('assetId', `${body.assetId} is unknown`)
  }
  const [first, ...others] = principal.sites === 'all' ? [] : principal.sites
  return first !== undefined && others.length === 0 ? first : firstSite
}
