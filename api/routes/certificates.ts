import { z } from '@hono/zod-openapi'
import type { RevokedCertificate } from '../../store/state/index.ts'
import { deviceIdField, timeField } from '../fields.ts'
import { defineRoute, type Route } from '../route.ts'
import type { RouteDeps } from '../route-deps.ts'
import { seenDevice } from '../site-access.ts'
import { formatTime } from '../time.ts'

/** As `openssl x509 -fingerprint -sha256` prints it, or as the API does. */
const fingerprintField = z
  .string()
  .max(95)
  .transform((text) => text.replaceAll(':', '').toLowerCase())
  .pipe(z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hexadecimal digits, with or without colons'))
  .openapi({ type: 'string', description: 'SHA-256 of the certificate in hexadecimal digits, with or without colons' })

const revokedSchema = z.strictObject({ fingerprint: z.string(), revokedAt: timeField }).openapi('RevokedCertificate')

const ofDevice = z.strictObject({ id: deviceIdField })
const path = '/api/v1/devices/{id}/revoked-certificates'
const tag = 'Devices'

export function certificateRoutes({ state, changes }: RouteDeps): Route[] {
  return [
    defineRoute({
      method: 'get',
      path,
      tag,
      summary: "List a device's client certificates that are revoked",
      policy: { role: 'admin', scope: 'devices:read', sites: 'own' },
      request: { params: ofDevice },
      responses: {
        200: { description: 'The newest first', schema: z.strictObject({ items: z.array(revokedSchema) }) },
      },
      async handler({ params }, { principal }) {
        await seenDevice(state.devices, principal, params.id)
        const revoked = await state.credentials.revokedCertificates(params.id)
        return { status: 200, body: { items: revoked.map(toRevoked) } }
      },
    }),
    defineRoute({
      method: 'post',
      path,
      tag,
      summary: 'Revoke a client certificate of a device and end the connections that were opened by it',
      description: 'The fingerprint of one that is connected is in `GET /api/v1/devices/{id}/connections`.',
      policy: { role: 'admin', scope: 'devices:write', sites: 'own' },
      request: {
        params: ofDevice,
        body: z.strictObject({ fingerprint: fingerprintField }).openapi('NewRevokedCertificate'),
      },
      responses: { 201: { description: 'It is good for nothing any more', schema: revokedSchema } },
      async handler({ params, body }, context) {
        await seenDevice(state.devices, context.principal, params.id)
        const revoked = await changes.apply(context, (unit) =>
          unit.credentials.revokeCertificate(params.id, body.fingerprint),
        )
        return { status: 201, body: toRevoked(revoked) }
      },
    }),
    defineRoute({
      method: 'delete',
      path: `${path}/{fingerprint}`,
      tag,
      summary: 'Let a revoked client certificate be good again',
      policy: { role: 'admin', scope: 'devices:write', sites: 'own' },
      request: { params: z.strictObject({ id: deviceIdField, fingerprint: fingerprintField }) },
      responses: { 204: { description: 'It is as good as its authority' } },
      async handler({ params }, context) {
        await seenDevice(state.devices, context.principal, params.id)
        await changes.apply(context, (unit) => unit.credentials.restoreCertificate(params.id, params.fingerprint))
        return { status: 204 }
      },
    }),
  ]
}

function toRevoked({ fingerprint, revokedMs }: RevokedCertificate): z.input<typeof revokedSchema> {
  return { fingerprint, revokedAt: formatTime(revokedMs) }
}
