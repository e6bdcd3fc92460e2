import { z } from '@hono/zod-openapi'

const time = {
  description: 'Milliseconds or seconds since 1970, or RFC 3339; without it: the time of arrival',
  anyOf: [{ type: 'number' as const }, { type: 'string' as const }],
}
const values = {
  type: 'object' as const,
  additionalProperties: { anyOf: [{ type: 'number' as const }, { type: 'boolean' as const }] },
  example: { voltage: 229.8, power: 1_250 },
}
const timed = {
  type: 'object' as const,
  properties: { ts: time, values },
  required: ['values'],
  example: { ts: '2026-11-23T10:00:00.000Z', values: values.example },
}
const plain = {
  type: 'object' as const,
  properties: { ts: time },
  additionalProperties: values.additionalProperties,
  example: values.example,
}

/** Native telemetry, read by ingest's own decoder: for the route it is bytes. */
export const telemetryInput = z.custom<Uint8Array>().openapi('Telemetry', {
  description: 'As to `pel/v1/{id}/telemetry` over MQTT',
  type: ['object', 'array'],
  anyOf: [timed, plain, { type: 'array', items: { anyOf: [timed, plain] }, minItems: 1 }],
})
