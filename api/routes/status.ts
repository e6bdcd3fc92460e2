import { z } from '@hono/zod-openapi'
import type { IngestStats } from '../../ingest/index.ts'
import type { LogConsumerStats, LogStats } from '../../store/log/index.ts'
import { ifAnswered } from '../deadline.ts'
import { timeField } from '../fields.ts'
import { defineRoute, type Route } from '../route.ts'
import type { RouteDeps } from '../route-deps.ts'
import { formatTime } from '../time.ts'

const position = z.int().openapi({ description: 'A place in the log: ordered, in bytes' })

const logSchema = z
  .strictObject({
    tail: position,
    head: position,
    durable: position,
    bytes: z.int().openapi({ description: 'On disk' }),
    maxBytes: z.int(),
    full: z.boolean().openapi({ description: 'No room: nothing is acknowledged until there is some' }),
    commits: z.int(),
    consumers: z.array(
      z.strictObject({
        name: z.string(),
        position: position.openapi({ description: 'Up to here its work is done and on disk' }),
        lag: z.int().openapi({ description: 'Bytes of log still before it' }),
        released: position.openapi({ description: 'Up to here it lets the log be trimmed' }),
      }),
    ),
  })
  .openapi('LogStatus')

const ingestSchema = z
  .strictObject({
    position: position.openapi({ description: 'Up to here everything is stored or listed as rejected' }),
    lagBytes: z.int(),
    lagMs: z.number().openapi({ description: 'Age of the newest message read while there are more' }),
    messages: z.int(),
    readings: z.int(),
    suspect: z.int(),
    duplicates: z.int(),
    redeliveries: z.int(),
    gaps: z.int().openapi({ description: 'Silences of a series of more than three of its intervals' }),
    storeDown: z.boolean().openapi({ description: 'The store refuses writes; they are tried again' }),
    rejected: z.record(z.string(), z.int()).openapi({ description: 'By reason' }),
    rejectedUnlisted: z.int(),
  })
  .openapi('IngestStatus', { description: 'Counted since the start of the process' })

const readingsSchema = z
  .strictObject({ readings: z.int(), rows: z.int(), bytes: z.int(), lateRows: z.int() })
  .openapi('ReadingsStatus', { description: 'What the store of readings holds' })

const brokerSchema = z
  .strictObject({
    connections: z.int(),
    ackedTotal: z.int(),
    droppedQos0Total: z.int(),
    refusedTotal: z.int(),
  })
  .openapi('BrokerStatus', { description: 'Counted since the start of the process' })

const nullWhenSilent = 'Null while that part of the platform does not answer.'

const statusSchema = z
  .strictObject({
    time: timeField,
    version: z.string(),
    log: logSchema.nullable(),
    ingest: ingestSchema.nullable(),
    readings: readingsSchema.nullable(),
    broker: brokerSchema.nullable(),
    devices: z.int(),
    rejected: z.strictObject({
      listed: z.int().openapi({ description: 'In the list now' }),
      total: z.int().openapi({ description: 'Listed ever' }),
    }),
  })
  .openapi('Status')

export function statusRoutes({ state, peers, clock, peerTimeoutMs, version }: RouteDeps): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/api/v1/status',
      tag: 'Platform',
      summary: 'See how far the log, its consumers and the store are',
      description: nullWhenSilent,
      policy: { role: 'viewer', scope: 'platform:read', sites: 'own' },
      responses: { 200: { description: 'The platform now', schema: statusSchema } },
      async handler() {
        const [log, ingest, readings, broker, devices, rejected] = await Promise.all([
          ifAnswered('the log', peerTimeoutMs, peers.log.stats()),
          ifAnswered('ingest', peerTimeoutMs, peers.ingest.stats()),
          ifAnswered('the store of readings', peerTimeoutMs, peers.readings.stats()),
          ifAnswered('the broker', peerTimeoutMs, peers.broker.status()),
          state.devices.count(),
          state.ledger.rejectedCount(),
        ])
        return {
          status: 200,
          body: {
            time: formatTime(clock.now()),
            version,
            log: log ? { ...log, consumers: log.consumers.map((consumer) => toConsumer(consumer, log, ingest)) } : null,
            ingest: ingest ? { ...ingest, rejected: { ...ingest.rejected } } : null,
            readings: readings ?? null,
            broker: broker ?? null,
            devices,
            rejected: { ...rejected },
          },
        }
      },
    }),
  ]
}

/** Ingest tells how far it really is; what it releases follows its snapshots and is some seconds older. */
function toConsumer(
  { name, position: released, lag }: LogConsumerStats,
  log: LogStats,
  ingest: IngestStats | undefined,
) {
  if (name !== 'ingest' || ingest === undefined) return { name, position: released, lag, released }
  return { name, position: ingest.position, lag: Math.max(0, log.durable - ingest.position), released }
}
