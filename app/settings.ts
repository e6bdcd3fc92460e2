import { z } from 'zod'
import { dispatcherConfigSchema } from '../alerts/config.ts'
import { apiConfigSchema } from '../api/config.ts'
import { brokerConfigSchema } from '../broker/config.ts'
import { ingestConfigSchema } from '../ingest/config.ts'
import { AppError, isTimeZone, parseScalarTopic, type ScalarTopic } from '../model/index.ts'
import { notifierConfigSchema } from '../notifier/config.ts'
import { cacheConfigSchema } from '../store/cache/config.ts'
import { logConfigSchema } from '../store/log/config.ts'
import { duckdbReadingsConfigSchema } from '../store/readings/duckdb/config.ts'
import { redisConfigSchema } from '../store/redis/config.ts'
import { sessionConfigSchema } from '../store/sessions/config.ts'
import type { Setting } from './env.ts'
import { influxSchemas } from './influx-settings.ts'

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

const port = z.int().min(0).max(65_535)
/** A port, or `off`. */
const listener = (fallback: number) => z.union([port, z.literal('off')]).default(fallback)

const list = z.string().transform((text) => text.split(',').flatMap((part) => part.trim() || []))

const scalarTopics = list.transform((patterns, context): readonly ScalarTopic[] => {
  return patterns.flatMap((pattern) => {
    try {
      return [parseScalarTopic(pattern)]
    } catch (error) {
      context.addIssue(error instanceof AppError ? error.message : String(error))
      return []
    }
  })
})

const renames = list.transform((pairs, context): ReadonlyMap<string, string> => {
  const split = pairs.map((pair) => pair.split('=').map((part) => part.trim()))
  const wrong = split.find(([from, to, ...rest]) => !from || !to || rest.length > 0)
  if (wrong) context.addIssue(`write ${JSON.stringify(wrong.join('='))} as theirs=ours`)
  return new Map(split.map(([from = '', to = '']) => [from, to]))
})

const timeZone = z.string().refine(isTimeZone, { error: 'is not an IANA time zone' })

/** What concerns the platform as a whole; each module's own settings are described in its `config.ts`. */
const platformSchemas = {
  DATA_DIR: z.string().min(1).default('data').describe('Folder of everything that is kept; made at the first start'),
  LOG_LEVEL: z.enum(logLevels).default('info').describe('Least severe level that is logged, as JSON lines on stdout'),
  HOST: z.string().min(1).default('0.0.0.0').describe('Address that MQTT and HTTP listen on'),
  MQTT_PORT: listener(1883).describe('MQTT over TCP; 0 picks a free port, `off` is off'),
  MQTTS_PORT: listener(8883).describe('MQTT over TLS, where TLS_CERT_FILE is set; 0 picks a free port, `off` is off'),
  MQTT_WS_PORT: listener(8083).describe('MQTT over WebSocket at `/mqtt`; 0 picks a free port, `off` is off'),
  MQTT_WSS_PORT: listener(8084).describe(
    'The same over TLS, where TLS_CERT_FILE is set; 0 picks a free port, `off` is off',
  ),
  HTTP_PORT: listener(8080).describe('HTTP API; 0 picks a free port, `off` is off'),
  HTTPS_PORT: listener(8443).describe(
    'The same over TLS, where TLS_CERT_FILE is set; 0 picks a free port, `off` is off',
  ),
  TLS_CERT_FILE: z
    .string()
    .min(1)
    .optional()
    .describe('PEM file of the certificate and its chain; read again when it changes, and at a SIGHUP'),
  TLS_KEY_FILE: z.string().min(1).optional().describe('PEM file of its private key'),
  MQTT_CLIENT_CA_FILE: brokerConfigSchema.shape.clientCaFile,
  BOOTSTRAP_ADMIN_KEY: z
    .string()
    .min(32, 'is shorter than 32 characters: take what `openssl rand -base64 32` prints')
    .max(256)
    .regex(/^[\x21-\x7e]*$/, 'has characters that a header does not carry: take what `openssl rand -base64 32` prints')
    .refine((key) => new Set(key).size >= 10, 'is not random: take what `openssl rand -base64 32` prints')
    .optional()
    .describe(
      'Admin API key of your own to accept from the first start, 32 random characters or more; without it an empty store prints one that is good for a week',
    ),
  SITE_TIME_ZONE: timeZone.default('UTC').describe('IANA time zone of the site `main` that the first start makes'),
  SITE_CURRENCY: z
    .string()
    .regex(/^[A-Z]{3}$/, 'is not an ISO 4217 code such as IDR')
    .default('USD')
    .describe('ISO 4217 currency of the site `main` that the first start makes'),
  SCALAR_TOPICS: scalarTopics
    .prefault('panel/{device}/{metric}')
    .describe('Topics that carry one value each, comma-separated, with {device} and {metric} as levels'),
  SCALAR_METRICS: renames
    .prefault('volt=voltage,ampere=current')
    .describe('Metric names of scalar topics, as theirs=ours, comma-separated'),
  READINGS_RETENTION_DAYS: z
    .int()
    .min(1)
    .max(36_500)
    .default(90)
    .describe('Days that raw readings are kept; in a database that was there before, no longer than its own retention'),
  READINGS_ROLLUP_RETENTION_DAYS: z
    .int()
    .min(1)
    .max(36_500)
    .default(1_826)
    .describe(
      'Days that the rollups of a quarter of an hour are kept, at least as long as the readings: they answer buckets when the readings are gone',
    ),
  READINGS_NIGHT_HOUR_UTC: z
    .int()
    .min(0)
    .max(23)
    .default(19)
    .describe(
      'Hour of the day, UTC, at which old readings are removed and the closed day is sorted for faster queries',
    ),
  READINGS_RECENT_MB: z
    .int()
    .min(1)
    .max(65_536)
    .default(64)
    .describe('MB of memory, taken as it fills, for the newest readings, which are then answered without the store'),
  AUDIT_RETENTION_DAYS: z
    .int()
    .min(0)
    .max(36_500)
    .default(1_826)
    .describe('Days that entries of the audit log are kept; 0 is for ever'),
} as const

const brokerShape = brokerConfigSchema.shape
const ingestShape = ingestConfigSchema.shape
const apiShape = apiConfigSchema.shape
const logShape = logConfigSchema.shape
const notifierShape = notifierConfigSchema.shape
const sessionShape = sessionConfigSchema.shape
const duckdbShape = duckdbReadingsConfigSchema.shape

/** Every environment variable that means something, with its schema; in the order of the documentation. */
export const settingSchemas = {
  ...platformSchemas,
  CACHE_MEMORY_MB: cacheConfigSchema.shape.memoryMb,
  REDIS_URL: redisConfigSchema.shape.url,
  SMTP_URL: notifierShape.smtpUrl,
  SMTP_STARTTLS: notifierShape.startTls,
  MAIL_FROM: notifierShape.from,
  ALERT_EMAIL: dispatcherConfigSchema.shape.recipients,
  PUBLIC_URL: notifierShape.publicUrl,
  SMTP_CONNECTIONS: notifierShape.connections,
  MAILS_PER_S: notifierShape.mailsPerS,
  MQTT_MAX_CONNECTIONS: brokerShape.maxConnections,
  MQTT_CONNECTIONS_PER_DEVICE: brokerShape.connectionsPerPrincipal,
  MQTT_PAYLOAD_BYTES: brokerShape.payloadBytes,
  MQTT_TOPIC_LEVELS: brokerShape.topicLevels,
  MQTT_MESSAGES_PER_S: brokerShape.messagesPerS,
  MQTT_PACE_BYTES: brokerShape.paceBytes,
  MQTT_MAX_SESSIONS: sessionShape.maxSessions,
  MQTT_SESSION_EXPIRY_HOURS: sessionShape.expiryHours,
  MQTT_MAX_QUEUED_MESSAGES: sessionShape.maxQueuedMessages,
  MQTT_MAX_RETAINED: sessionShape.maxRetained,
  LOG_MAX_BYTES: logShape.maxBytes,
  LOG_RESERVE_BYTES: logShape.reserveBytes,
  LOG_SEGMENT_BYTES: logShape.segmentBytes,
  INGEST_LATE_HORIZON_MS: ingestShape.lateHorizonMs,
  INGEST_MAX_METRICS: ingestShape.maxMetrics,
  INGEST_STUCK_INTERVALS: ingestShape.stuckIntervals,
  INGEST_MESSAGE_VIEW_MB: ingestShape.messageViewMb,
  ...influxSchemas,
  DUCKDB_MEMORY_MB: duckdbShape.memoryMb,
  DUCKDB_THREADS: duckdbShape.threads,
  HTTP_MAX_BODY_BYTES: apiShape.maxBodyBytes,
  HTTP_MAX_CONNECTIONS: apiShape.maxConnections,
  HTTP_MAX_CONNECTIONS_PER_ADDRESS: apiShape.maxConnectionsPerAddress,
  HTTP_LIVE_STREAMS: apiShape.liveStreams,
  HTTP_LIVE_STREAMS_PER_PRINCIPAL: apiShape.liveStreamsPerPrincipal,
  HTTP_PRINCIPAL_REQUESTS_PER_MIN: apiShape.principalPerMin,
  HTTP_ADDRESS_REQUESTS_PER_MIN: apiShape.addressPerMin,
  HTTP_SIGN_INS_PER_MIN: apiShape.signInPerMin,
  SESSION_DAYS: apiShape.sessionDays,
  SECOND_FACTOR: apiShape.secondFactor,
  HTTP_ANONYMOUS: apiShape.anonymous,
  OIDC_ISSUER: z
    .url({ protocol: /^https?$/, error: 'is not an http or https address' })
    .optional()
    .describe(
      'OpenID Connect provider by which people who are here already may sign in, as it calls itself; it needs PUBLIC_URL, and sends people back to PUBLIC_URL/api/v1/auth/oidc/callback',
    ),
  OIDC_CLIENT_ID: z.string().min(1).optional().describe('What the provider knows this platform as'),
  OIDC_CLIENT_SECRET: z.string().min(1).optional().describe('Its secret there'),
  OIDC_NAME: z.string().min(1).max(60).default('your organisation').describe('What the button says: Sign in with …'),
  HTTP_TRUSTED_PROXIES: apiShape.trustedProxies,
  HTTP_FORWARDED_HEADER: apiShape.forwardedHeader,
  HTTP_CORS_ORIGINS: apiShape.corsOrigins,
} as const

type SettingName = keyof typeof settingSchemas
export type Settings = { readonly [Name in SettingName]: z.output<(typeof settingSchemas)[Name]> }

const secrets: ReadonlySet<string> = new Set<SettingName>([
  'BOOTSTRAP_ADMIN_KEY',
  'INFLUX_PASSWORD',
  'INFLUX_TOKEN',
  'REDIS_URL',
  'SMTP_URL',
  'OIDC_CLIENT_SECRET',
])

export const settings: readonly Setting[] = Object.entries(settingSchemas).map(([name, schema]) => ({
  name,
  schema,
  secret: secrets.has(name),
}))
