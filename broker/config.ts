import { z } from 'zod'

/** Whatever a device's own limit is: a message has to fit among those that wait for the disk. */
export const largestPayloadBytes = 16 * 1024 * 1024

const port = z.int().min(0).max(65_535).optional()

export const tlsFilesSchema = z.strictObject({
  keyFile: z.string().min(1).describe('PEM file of the private key'),
  certFile: z.string().min(1).describe('PEM file of the certificate and its chain'),
})

export const brokerConfigSchema = z.strictObject({
  host: z.string().default('0.0.0.0').describe('Address that the listeners bind'),
  port: port.describe('MQTT over TCP; 0 picks a free port, absent is off'),
  tlsPort: port.describe('MQTT over TLS; 0 picks a free port, absent is off; needs `tls`'),
  wsPort: port.describe('MQTT over WebSocket at `/mqtt`; 0 picks a free port, absent is off'),
  wssPort: port.describe('MQTT over WebSocket and TLS at `/mqtt`; 0 picks a free port, absent is off; needs `tls`'),
  webSocketOrigins: z
    .array(z.string())
    .default([])
    .describe('Origins whose pages may connect by WebSocket, beside those of the same host'),
  tls: tlsFilesSchema.optional().describe('Key and certificate of the TLS listeners, read again by `reloadTls`'),
  clientCaFile: z
    .string()
    .min(1)
    .optional()
    .describe('PEM file of the authorities whose certificates devices may show over MQTT with TLS instead of a token'),
  maxConnections: z
    .int()
    .min(1)
    .default(50_000)
    .describe('Connections admitted at once; one more gets CONNACK 0x03, and is closed unanswered from 10 % above on'),
  connectionsPerPrincipal: z
    .int()
    .min(1)
    .default(100)
    .describe('Connections of one device or one key at once; one more gets CONNACK 0x03'),
  wrongPasswordDelayMs: z
    .int()
    .min(0)
    .max(60_000)
    .default(5_000)
    .describe('Time that the refusal of a wrong password takes from the sixth in a minute on, per name and network'),
  connectTimeoutMs: z.int().min(100).default(30_000).describe('A connection that has not sent its CONNECT is closed'),
  payloadBytes: z
    .int()
    .min(1)
    .max(largestPayloadBytes)
    .default(1024 * 1024)
    .describe('Largest PUBLISH payload of a device without a limit of its own; a larger one closes the connection'),
  topicLevels: z
    .int()
    .min(1)
    .max(100)
    .default(16)
    .describe('Most levels of a topic of a device without a limit of its own; one more closes the connection'),
  messagesPerS: z
    .number()
    .min(0)
    .default(0)
    .describe('Messages a second of a device without a limit of its own; 0 is unlimited; above it the socket waits'),
  inflightMessages: z
    .int()
    .min(1)
    .default(1000)
    .describe('Messages of one connection that wait for the disk; at the bound its socket is not read'),
  inflightBytes: z
    .int()
    .min(1024)
    .default(1024 * 1024)
    .describe('Payload bytes of one connection that wait for the disk; at the bound its socket is not read'),
  waitingBytes: z
    .int()
    .min(1024)
    .default(48 * 1024 * 1024)
    .describe('Bytes of all connections that wait for the disk; above it nobody is read and CONNECT gets 0x03'),
  paceBytes: z
    .int()
    .min(0)
    .default(128 * 1024 * 1024)
    .describe(
      'Bytes of log that ingest may be behind; above it, while it goes on, publishers are read no faster; 0 is off',
    ),
  qos2Inflight: z
    .int()
    .min(1)
    .default(1000)
    .describe('QoS 2 messages of one connection between PUBLISH and PUBREL; one more closes the connection'),
  subscriberBacklogBytes: z
    .int()
    .min(64 * 1024)
    .default(4 * 1024 * 1024)
    .describe('Bytes a slow subscriber may be behind; above it QoS 0 is dropped for it, QoS 1 and 2 close it'),
  fanoutPending: z
    .int()
    .min(100)
    .default(10_000)
    .describe('Acknowledged messages not yet with all their subscribers; above it publishers are read more slowly'),
  heartbeatMs: z
    .int()
    .min(1000)
    .default(15_000)
    .describe('Wills of sessions that a crash cut off are published after four of these'),
  stopTimeoutMs: z.int().min(0).default(5_000).describe('How long a stop waits for what is on its way to the disk'),
})

export type BrokerConfig = z.infer<typeof brokerConfigSchema>
