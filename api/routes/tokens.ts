import { z } from '@hono/zod-openapi'
import type { DeviceTokenRecord } from '../../store/state/index.ts'
import { deviceIdField, timeField, timeOrNull } from '../fields.ts'
import { rotationInput } from '../rotation.ts'
import { defineRoute, type Route } from '../route.ts'
import type { RouteDeps } from '../route-deps.ts'
import { seenDevice } from '../site-access.ts'
import { formatTime } from '../time.ts'

const tokenSchema = z
  .strictObject({
    id: z.string(),
    createdAt: timeField,
    expiresAt: timeField.nullable(),
    lastUsedAt: timeField.nullable().openapi({ description: 'Its last CONNECT, half a minute late at most' }),
  })
  .openapi('DeviceToken')
const newTokenSchema = z
  .strictObject({
    ...tokenSchema.shape,
    token: z.string().openapi({ description: 'Password for MQTT; shown this once' }),
  })
  .openapi('NewDeviceToken')

const ofDevice = z.strictObject({ id: deviceIdField })
const oneToken = z.strictObject({ id: deviceIdField, tokenId: z.string().min(1).max(100) })
const tag = 'Devices'

/** A device has one token, or two while the old one is being replaced. */
export function tokenRoutes({ state, changes }: RouteDeps): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/api/v1/devices/{id}/tokens',
      tag,
      summary: "List a device's tokens, without their secrets",
      policy: { role: 'admin', scope: 'devices:read', sites: 'own' },
      request: { params: ofDevice },
      responses: {
        200: { description: 'The oldest first', schema: z.strictObject({ items: z.array(tokenSchema) }) },
      },
      async handler({ params }, { principal }) {
        await seenDevice(state.devices, principal, params.id)
        const tokens = await state.credentials.deviceTokens(params.id)
        return { status: 200, body: { items: tokens.map(toToken) } }
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/v1/devices/{id}/tokens',
      tag,
      summary: 'Give a device a new token',
      description: 'The old one stays good until it is deleted; a device has two tokens at most.',
      policy: { role: 'admin', scope: 'devices:write', sites: 'own' },
      request: { params: ofDevice },
      responses: { 201: { description: 'The token, shown this once', schema: newTokenSchema } },
      async handler({ params }, context) {
        await seenDevice(state.devices, context.principal, params.id)
        const { record, token } = await changes.apply(context, (unit) => unit.credentials.issueDeviceToken(params.id))
        return { status: 201, body: { ...toToken(record), token } }
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/v1/devices/{id}/tokens/rotate',
      tag,
      summary: "Replace a device's token",
      description: 'The new one holds at once, the old one ends by itself when the overlap is over.',
      policy: { role: 'admin', scope: 'devices:write', sites: 'own' },
      request: { params: ofDevice, body: rotationInput, bodyOptional: true },
      responses: { 201: { description: 'The token, shown this once', schema: newTokenSchema } },
      async handler({ params, body }, context) {
        await seenDevice(state.devices, context.principal, params.id)
        const { record, token } = await changes.apply(context, (unit) =>
          unit.credentials.rotateDeviceToken(params.id, body.overlapS * 1_000),
        )
        return { status: 201, body: { ...toToken(record), token } }
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/api/v1/devices/{id}/tokens/{tokenId}',
      tag,
      summary: 'Revoke a token and end the connections that were opened by it',
      description: "The device's connections by another token stay.",
      policy: { role: 'admin', scope: 'devices:write', sites: 'own' },
      request: { params: oneToken },
      responses: { 204: { description: 'It is good for nothing any more' } },
      async handler({ params }, context) {
        await seenDevice(state.devices, context.principal, params.id)
        await changes.apply(context, (unit) => unit.credentials.revokeDeviceToken(params.id, params.tokenId))
        return { status: 204 }
      },
    }),
  ]
}

function toToken({ id, createdMs, expiresMs, lastUsedMs }: DeviceTokenRecord): z.input<typeof tokenSchema> {
  return {
    id,
    createdAt: formatTime(createdMs),
    expiresAt: timeOrNull(expiresMs),
    lastUsedAt: timeOrNull(lastUsedMs),
  }
}
