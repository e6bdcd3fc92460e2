import { z } from '@hono/zod-openapi'
import type { IngestStats } from '../../ingest/index.ts'
import type { LogStats } from '../../store/log/index.ts'
import type { ReadingStoreStats } from '../../store/readings/index.ts'
import { ifAnswered } from '../deadline.ts'
import { timeField } from '../fields.ts'
import type { BrokerStatus } from '../ports.ts'
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
        position: position.openapi({ description: 'Up to here it has read' }),
        lag: z.int().openapi({
          description: 'Bytes of log that it has not confirmed; `fanout` trails by up to 1 MiB while idle',
        }),
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
    rejectedUnlisted: z.int().openapi({ description: 'Of these, those that came too fast to be listed' }),
  })
  .openapi('IngestStatus', { description: 'Counted since the start of the process' })

const readingsSchema = z
  .strictObject({
    readings: z.int().nullable().openapi({ description: 'Null: the store would have to count them all' }),
    rows: z.int().nullable().openapi({ description: 'The same' }),
    bytes: z.int().nullable().openapi({ description: 'Null: they are on the disk of a server' }),
    lateRows: z.int().openapi({ description: "Rows that did not come in their device's order" }),
  })
  .openapi('ReadingsStatus', { description: 'What the store of readings holds' })

const brokerSchema = z
  .strictObject({
    connections: z.int().openapi({ description: 'Open now' }),
    connectionsTotal: z.int(),
    ackedTotal: z.int().openapi({ description: 'QoS 1 and 2 messages acknowledged' }),
    droppedQos0Total: z.int().openapi({ description: 'QoS 0 messages not taken because the log was full' }),
    droppedDeliveriesTotal: z.int().openapi({ description: 'QoS 0 messages not delivered to slow subscribers' }),
    refusedTotal: z.int().openapi({ description: 'Forbidden, too large or too deep messages' }),
    failedLoginsTotal: z.int().openapi({ description: 'Connects with wrong or missing credentials' }),
    throttledLoginsTotal: z.int().openapi({ description: 'Connects not looked at after too many wrong passwords' }),
    violationsTotal: z.int().openapi({ description: 'Connections closed for bytes that MQTT forbids' }),
    receivedBytesTotal: z.int(),
    pacedMsTotal: z.int().openapi({ description: 'Time in which publishers were read no faster than ingest goes on' }),
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
    devices: z.int().openapi({ description: 'Of the sites of the caller; all else is of the whole platform' }),
    rejected: z.strictObject({
      listed: z.int().openapi({ description: 'In the list now' }),
      total: z
        .int()
        .openapi({ description: 'Listed ever; what came too fast for the list is counted in `ingest.rejected` only' }),
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
      async handler(_, { principal }) {
        const [log, ingest, readings, broker, devices, rejected] = await Promise.all([
          ifAnswered('the log', peerTimeoutMs, peers.log.stats()),
          ifAnswered('ingest', peerTimeoutMs, peers.ingest.stats()),
          ifAnswered('the store of readings', peerTimeoutMs, peers.readings.stats()),
          ifAnswered('the broker', peerTimeoutMs, peers.broker.status()),
          state.devices.count(principal.sites),
          state.ledger.rejectedCount(),
        ])
        return {
          status: 200,
          body: {
            time: formatTime(clock.now()),
            version,
            log: log ? toLog(log) : null,
            ingest: ingest ? toIngest(ingest) : null,
            readings: readings ? toReadings(readings) : null,
            broker: broker ? toBroker(broker) : null,
            devices,
            rejected: { listed: rejected.listed, total: rejected.total },
          },
        }
      },
    }),
  ]
}

// Each part is picked field by field: what else it may come to tell is not promised to anybody.

function toLog(log: LogStats): z.input<typeof logSchema> {
  const { tail, head, durable, bytes, maxBytes, full, commits } = log
  const consumers = log.consumers.map(({ name, position, lag, released }) => ({ name, position, lag, released }))
  return { tail, head, durable, bytes, maxBytes, full, commits, consumers }
}

function toIngest(stats: IngestStats): z.input<typeof ingestSchema> {
  const { position, lagBytes, lagMs, messages, readings, suspect, duplicates, redeliveries, gaps } = stats
  const { storeDown, rejected, rejectedUnlisted } = stats
  const counts = { messages, readings, suspect, duplicates, redeliveries, gaps }
  return { position, lagBytes, lagMs, ...counts, storeDown, rejected: { ...rejected }, rejectedUnlisted }
}

function toReadings({ readings, rows, bytes, lateRows }: ReadingStoreStats): z.input<typeof readingsSchema> {
  return { readings, rows, bytes, lateRows }
}

function toBroker(status: BrokerStatus): z.input<typeof brokerSchema> {
  const { connections, connectionsTotal, ackedTotal, droppedQos0Total, droppedDeliveriesTotal } = status
  const { refusedTotal, failedLoginsTotal, throttledLoginsTotal, violationsTotal } = status
  const { receivedBytesTotal, pacedMsTotal } = status
  const counted = { ackedTotal, droppedQos0Total, droppedDeliveriesTotal, refusedTotal }
  return {
    connections,
    connectionsTotal,
    ...counted,
    failedLoginsTotal,
    throttledLoginsTotal,
    violationsTotal,
    receivedBytesTotal,
    pacedMsTotal,
  }
}
