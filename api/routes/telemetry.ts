import { z } from '@hono/zod-openapi'
import type { TelemetryFault } from '../../ingest/index.ts'
import { type DeviceId, type DeviceRecord, type Principal, platformDeviceId } from '../../model/index.ts'
import type { State } from '../../store/state/index.ts'
import { deviceIdField } from '../fields.ts'
import { HttpProblem } from '../problem.ts'
import { createPushRoom } from '../push-room.ts'
import { defineRoute, type PrincipalContext, type Route } from '../route.ts'
import type { RouteDeps } from '../route-deps.ts'
import { found, seenDevice } from '../site-access.ts'
import { telemetryInput } from '../telemetry-schemas.ts'

const one = z.strictObject({ id: deviceIdField })

export function telemetryRoutes({ state, peers, checkTelemetry, clock }: RouteDeps): Route[] {
  const room = createPushRoom()
  const { broker } = peers

  /** Its sender is told, and so are those who look for what a device has sent. */
  async function refuse(device: DeviceRecord, { reason, detail }: TelemetryFault, payload: Uint8Array): Promise<void> {
    await broker.refusePush({ deviceId: device.id, reason, detail, payload })
  }

  return [
    defineRoute({
      method: 'post',
      path: '/api/v1/devices/{id}/telemetry',
      tag: 'Readings',
      summary: 'Push readings of a device that does not speak MQTT',
      description:
        'The body is what would be published to `pel/v1/{id}/telemetry`: `{"voltage":229.8}` (the time is that of its ' +
        'arrival), `{"ts":…,"values":{…}}`, or an array of those. 204 comes when it is on disk, and not before. It is read at ' +
        'once: when something in it cannot be used nothing is taken, and the problem says what (and so does the rejected ' +
        'list). Give each reading its `ts`: then it counts once however often it is sent. Values without one may count twice ' +
        'when they are sent again; with an `Idempotency-Key` they do so only if the platform died between the disk and its ' +
        'answer.',
      policy: { role: 'operator', scope: 'telemetry:write', sites: 'own', devices: 'own' },
      request: { params: one, body: telemetryInput, bodyAs: 'bytes' },
      responses: { 204: { description: 'It is on disk, and counts' } },
      async handler({ params, body }, context) {
        const { device, sender } = await subjectOf(state.devices, context.principal, params.id)
        const kept = [device, sender].find((record) => record?.quarantine !== undefined)
        if (kept !== undefined) {
          await refuse(kept, { reason: 'quarantined', detail: `pushed by ${senderOf(context)}` }, body)
          throw new HttpProblem('forbidden', `device ${kept.id} is in quarantine`)
        }
        const faults = await checkTelemetry(body, device, clock.now())
        const [first] = faults
        if (first !== undefined) {
          await refuse(device, first, body)
          throw problemOf(first, faults)
        }
        const limiting = sender ?? device
        const message = { deviceId: device.id, principal: principalOf(context.principal), payload: body }
        const outcome = await room.run(body.length, () =>
          broker.push({ ...message, limits: limiting.limits, limited: limiting.id }),
        )
        switch (outcome.kind) {
          case 'durable':
            return { status: 204 }
          case 'payload_too_large':
            throw new HttpProblem('too_large', `a message of ${limiting.id} may have ${outcome.bytesMax} bytes at most`)
          case 'too_fast':
            throw tooFast(limiting.id, outcome)
          default:
            throw outcome satisfies never
        }
      },
    }),
  ]
}

/**
 * Whose readings they are, and the device that sends them, where one does. A device is told of no other than itself and those
 * whose gateway it is.
 */
async function subjectOf(
  devices: State['devices'],
  principal: Principal,
  id: DeviceId,
): Promise<{ readonly device: DeviceRecord; readonly sender: DeviceRecord | undefined }> {
  if (principal.kind !== 'device') {
    if (id === platformDeviceId) throw new HttpProblem('forbidden', 'only the platform reports for itself')
    return { device: await seenDevice(devices, principal, id), sender: undefined }
  }
  const record = await devices.get(id)
  const own = record?.id === principal.id
  const device = found(own || record?.gatewayId === principal.id ? record : undefined, 'device', id)
  return { device, sender: own ? device : await devices.get(gatewayOf(device)) }
}

function gatewayOf({ id, gatewayId }: DeviceRecord): DeviceId {
  return gatewayId ?? id
}

/** As the log names who sends: no device is called so but a device. */
function principalOf({ kind, id }: Principal): string {
  return kind === 'device' ? id : kind === 'key' ? `key:${id}` : `${kind}/${id}`
}

function senderOf({ principal, address }: PrincipalContext): string {
  return `${principalOf(principal)} from ${address ?? 'an unknown address'}`
}

/** What cannot be read is malformed; what can, and comes at an impossible time, is wrong. */
function problemOf(first: TelemetryFault, faults: readonly TelemetryFault[]): HttpProblem {
  const fields = faults.map(({ reason, detail }) => ({ field: '', message: `${reason}: ${detail}` }))
  const text = `nothing was taken: ${first.reason}: ${first.detail}`
  switch (first.reason) {
    case 'payload_too_large':
      return new HttpProblem('too_large', text)
    case 'clock_ahead':
    case 'too_old':
    case 'too_many_metrics':
      return new HttpProblem('invalid_input', text, { fields })
    default:
      return new HttpProblem('malformed_request', text, { fields })
  }
}

function tooFast(id: DeviceId, { messagesPerS, waitMs }: { readonly messagesPerS: number; readonly waitMs: number }) {
  const waitS = String(Math.max(1, Math.ceil(waitMs / 1000)))
  return new HttpProblem('rate_limited', `${id} may send ${messagesPerS} messages a second`, {
    headers: {
      'retry-after': waitS,
      'ratelimit-limit': String(Math.max(1, Math.floor(messagesPerS))),
      'ratelimit-remaining': '0',
      'ratelimit-reset': waitS,
    },
  })
}
