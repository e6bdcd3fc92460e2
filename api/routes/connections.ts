import { z } from '@hono/zod-openapi'
import { certificateOf } from '../../model/index.ts'
import { deviceIdField, timeField } from '../fields.ts'
import type { ConnectionView } from '../ports.ts'
import { HttpProblem } from '../problem.ts'
import { defineRoute, type Route } from '../route.ts'
import type { RouteDeps } from '../route-deps.ts'
import { seenDevice } from '../site-access.ts'
import { formatTime } from '../time.ts'

const connectionSchema = z
  .strictObject({
    id: z.string().openapi({ description: 'Holds until the connection or the platform ends' }),
    clientId: z.string().openapi({ description: '`~` and a number where the client gave none' }),
    address: z.string().nullable().openapi({ description: 'Of the client, or of what stands between it and us' }),
    since: timeField,
    transport: z.enum(['tcp', 'tls', 'websocket']),
    protocol: z.enum(['3.1', '3.1.1']).openapi({ description: 'Version of MQTT' }),
    cleanSession: z.boolean(),
    keepAliveS: z.int().openapi({ description: '0: none' }),
    tokenId: z.string().nullable().openapi({ description: 'The token that it was opened by' }),
    certificate: z.string().nullable().openapi({ description: 'Or the SHA-256 of the client certificate' }),
  })
  .openapi('Connection')

const ofDevice = z.strictObject({ id: deviceIdField })
const oneConnection = z.strictObject({ id: deviceIdField, connectionId: z.string().regex(/^\d{1,15}$/) })
const tag = 'Devices'

export function connectionRoutes({ state, peers }: RouteDeps): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/api/v1/devices/{id}/connections',
      tag,
      summary: "List a device's open MQTT connections",
      policy: { role: 'viewer', scope: 'devices:read', sites: 'own' },
      request: { params: ofDevice },
      responses: {
        200: { description: 'The oldest first', schema: z.strictObject({ items: z.array(connectionSchema) }) },
      },
      async handler({ params }, { principal }) {
        await seenDevice(state.devices, principal, params.id)
        const connections = await peers.broker.connections(params.id)
        return { status: 200, body: { items: connections.map(toConnection) } }
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/api/v1/devices/{id}/connections/{connectionId}',
      tag,
      summary: 'End a connection of a device',
      description: 'Nothing keeps the device from connecting again: revoke its token or quarantine it for that.',
      policy: { role: 'admin', scope: 'devices:write', sites: 'own' },
      request: { params: oneConnection },
      responses: { 204: { description: 'It is closed' } },
      async handler({ params }, { principal }) {
        await seenDevice(state.devices, principal, params.id)
        const closed = await peers.broker.disconnect(params.id, Number(params.connectionId))
        if (closed === 0)
          throw new HttpProblem('not_found', `device ${params.id} has no connection ${params.connectionId}`)
        return { status: 204 }
      },
    }),
  ]
}

function toConnection(connection: ConnectionView): z.input<typeof connectionSchema> {
  const { id, address = null, sinceMs, secretId, clientId, transport, protocol, cleanSession, keepAliveS } = connection
  const since = formatTime(sinceMs)
  const fingerprint = certificateOf(secretId)
  return {
    id: String(id),
    clientId,
    address,
    since,
    transport,
    protocol,
    cleanSession,
    keepAliveS,
    tokenId: fingerprint === null ? secretId : null,
    certificate: fingerprint,
  }
}
