import { z } from '@hono/zod-openapi'
import type { MessagesSeen, MessageView } from '../../ingest/index.ts'
import { deviceIdField, timeField } from '../fields.ts'
import { eventStreamHeaders, eventStreamSchema, eventStreamType, type ServerEvent } from '../live-streams.ts'
import { defineRoute, type Route } from '../route.ts'
import type { RouteDeps } from '../route-deps.ts'
import { seenDevice, visible } from '../site-access.ts'
import { formatTime } from '../time.ts'

const messageSchema = z
  .strictObject({
    id: z.string().openapi({ description: 'Its place in the log; grows from message to message' }),
    time: timeField.openapi({ description: 'When it was received' }),
    sender: z.string().openapi({
      description: 'The device itself or its gateway; `key:…` or `person/…` where somebody else has pushed it',
    }),
    clientId: z.string().openapi({ description: 'Empty: it came over HTTP' }),
    topic: z.string().openapi({ description: 'Empty: an attempt to connect' }),
    qos: z.int().min(0).max(2),
    dup: z.boolean(),
    retain: z.boolean(),
    payloadBase64: z.string().openapi({ description: 'As much of the payload as is kept, up to some 2 KB' }),
    payloadBytes: z.int().openapi({ description: 'Size of the whole payload' }),
    fate: z.enum(['taken', 'partly', 'rejected', 'refused', 'repeated']).openapi({
      description:
        'What became of it. `taken`: its readings count, or what it says of the device; `partly`: something in it could ' +
        'not be used; `rejected`: acknowledged, and not used; `refused`: not acknowledged, the connection was closed, or it was answered with an error; ' +
        '`repeated`: it had come before, and counts once',
    }),
    reason: z
      .string()
      .nullable()
      .openapi({ description: 'Of the first thing that was wrong, as in GET /api/v1/rejected' }),
    detail: z.string().openapi({ description: 'What exactly was wrong, for people' }),
  })
  .openapi('Message')

const seenSchema = z
  .strictObject({
    items: z.array(messageSchema),
    passedOver: z
      .int()
      .openapi({ description: 'Messages that are not shown because they came too fast: over 20 a second' }),
  })
  .openapi('Messages')

const ofDevice = z.strictObject({ id: deviceIdField })
const tag = 'Devices'
const kept =
  'Messages about the device, by itself or by its gateway, and those that it may not send. Some ten to thirty are kept for ' +
  'each device, in memory: after a restart there are those that were not yet in a snapshot.'

export function messageRoutes({ state, peers, live }: RouteDeps): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/api/v1/devices/{id}/messages',
      tag,
      summary: 'Look at the last messages of a device as they arrived, and at what became of them',
      description: kept,
      policy: { role: 'viewer', scope: 'readings:read', sites: 'own' },
      request: { params: ofDevice },
      responses: { 200: { description: 'The newest first', schema: seenSchema } },
      async handler({ params }, { principal }) {
        await seenDevice(state.devices, principal, params.id)
        const { messages, passedOver } = await peers.ingest.messages(params.id, 0)
        return { status: 200, body: { items: messages.map(toMessage).reverse(), passedOver } }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/v1/devices/{id}/messages/live',
      tag,
      summary: 'Follow the messages of a device as they arrive',
      description:
        `Server-sent events. ${kept} First come those that are kept, then new ones within half a second. Each event is a ` +
        '`Message` as JSON with its `id`; an event `passed-over` says how many came too fast to be shown. A comment every ' +
        'ten seconds keeps the connection open. It ends when the key or the device does, and breaks when the client falls ' +
        'behind; connect again then, and pass over the ids that you know.',
      policy: { role: 'viewer', scope: 'readings:read', sites: 'own' },
      request: { params: ofDevice },
      responses: {
        200: { description: 'Events, without end', schema: eventStreamSchema, mediaType: eventStreamType },
      },
      async handler({ params: { id } }, { principal, stillAllowed }) {
        await seenDevice(state.devices, principal, id)
        const body = live.open({
          owner: `${principal.kind}:${principal.id}`,
          poll: createFollower((after) => peers.ingest.messages(id, after)),
          mayGoOn: async () => (await stillAllowed()) && visible(principal, await state.devices.get(id)) !== undefined,
        })
        return { status: 200, headers: eventStreamHeaders, body }
      },
    }),
  ]
}

/** Each call answers with what is new since the one before. */
function createFollower(read: (after: number) => Promise<MessagesSeen>): () => Promise<readonly ServerEvent[]> {
  let after = 0
  let passedOver: number | undefined

  return async () => {
    const seen = await read(after)
    after = seen.messages.at(-1)?.position ?? after
    const events: ServerEvent[] = seen.messages.map((message) => ({
      id: String(message.position),
      data: toMessage(message),
    }))
    // A view that was begun anew counts from 0 again.
    const more = seen.passedOver - (passedOver ?? seen.passedOver)
    passedOver = seen.passedOver
    return more > 0 ? [...events, { name: 'passed-over', data: { count: more } }] : events
  }
}

function toMessage(message: MessageView): z.input<typeof messageSchema> {
  const { position, receivedMs, principal, clientId, topic, qos, dup, retain, payload, payloadBytes } = message
  const { fate, reason, detail } = message
  return {
    id: String(position),
    time: formatTime(receivedMs),
    sender: principal,
    clientId,
    topic,
    qos,
    dup,
    retain,
    payloadBase64: Buffer.from(payload).toString('base64'),
    payloadBytes,
    fate,
    reason,
    detail,
  }
}
