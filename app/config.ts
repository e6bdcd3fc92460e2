import { type DispatcherConfig, dispatcherConfigSchema } from '../alerts/config.ts'
import { type ApiConfig, apiConfigSchema } from '../api/config.ts'
import { type BrokerConfig, brokerConfigSchema } from '../broker/config.ts'
import { type IngestConfig, ingestConfigSchema } from '../ingest/config.ts'
import { AppError, type FieldError, type TopicRules } from '../model/index.ts'
import { type NotifierConfig, notifierConfigSchema } from '../notifier/config.ts'
import { type CacheConfig, cacheConfigSchema } from '../store/cache/config.ts'
import { type LogConfig, logConfigSchema } from '../store/log/config.ts'
import { type DuckdbReadingsConfig, duckdbReadingsConfigSchema } from '../store/readings/duckdb/config.ts'
import type { InfluxdbReadingsConfig } from '../store/readings/influxdb/config.ts'
import { type RedisConfig, redisConfigSchema } from '../store/redis/config.ts'
import { type SessionConfig, sessionConfigSchema } from '../store/sessions/config.ts'
import { type Environment, loadEnvironment, readSettings } from './env.ts'
import { influxConfigOf, influxFaults } from './influx-settings.ts'
import type { NightlyConfig } from './nightly.ts'
import { type Settings, settings } from './settings.ts'
import { clientCaFault, loadTls, type TlsFiles } from './tls-files.ts'

export type LogLevel = Settings['LOG_LEVEL']

/** Everything that one platform needs to know; plain data, so that it travels to the threads as it is. */
export interface PlatformConfig {
  readonly dataDir: string
  readonly logLevel: LogLevel
  readonly bootstrapAdminKey: string | undefined
  readonly firstSite: { readonly timeZone: string; readonly currency: string }
  readonly topics: TopicRules
  /** Of HTTPS and MQTT over TLS. */
  readonly tls: TlsFiles | undefined
  readonly broker: BrokerConfig
  readonly log: LogConfig
  readonly sessions: SessionConfig
  readonly ingest: IngestConfig
  /** Without its path, which the data folder gives. */
  readonly readings: Omit<DuckdbReadingsConfig, 'path'>
  /** Undefined: the readings are kept in the data folder. */
  readonly influxdb: InfluxdbReadingsConfig | undefined
  /** Memory for the newest readings. */
  readonly recentBytes: number
  readonly nightly: NightlyConfig
  readonly audit: { readonly retentionDays: number }
  readonly alerts: DispatcherConfig
  readonly notifier: NotifierConfig
  readonly cache: CacheConfig
  /** Without a URL there is none. */
  readonly redis: RedisConfig
  readonly api: ApiConfig
}

/** Throws one `invalid_input` with a field error for each wrong setting. */
export function loadConfig(real: Environment, envFile = '.env'): PlatformConfig {
  const values = readSettings(settings, loadEnvironment(real, envFile, settings)) as Settings
  const errors: FieldError[] = []
  const { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile } = values
  const tls = certFile !== undefined && keyFile !== undefined ? { certFile, keyFile } : undefined
  if (tls !== undefined) errors.push(...faultsOf(tls))
  else if (certFile !== undefined || keyFile !== undefined)
    errors.push({ field: 'TLS_KEY_FILE', message: 'and TLS_CERT_FILE go together' })
  const { MQTT_CLIENT_CA_FILE: clientCaFile } = values
  const clientFault = clientCaFile === undefined ? undefined : clientCaFault(clientCaFile)
  if (clientFault !== undefined) errors.push(clientFault)
  if (clientCaFile !== undefined && (tls === undefined || values.MQTTS_PORT === 'off'))
    errors.push({ field: 'MQTT_CLIENT_CA_FILE', message: 'needs MQTT over TLS: TLS_CERT_FILE and MQTTS_PORT' })
  if (values.HTTP_PORT === 'off' && (tls === undefined || values.HTTPS_PORT === 'off'))
    errors.push({ field: 'HTTP_PORT', message: 'is off, and there is no HTTPS either: nothing could be asked' })
  if (values.LOG_SEGMENT_BYTES * 2 > values.LOG_MAX_BYTES)
    errors.push({ field: 'LOG_SEGMENT_BYTES', message: 'must be at most half of LOG_MAX_BYTES' })
  errors.push(...influxFaults(values))
  const oidcSettings = [values.OIDC_ISSUER, values.OIDC_CLIENT_ID, values.OIDC_CLIENT_SECRET]
  if (oidcSettings.some((one) => one !== undefined)) {
    if (oidcSettings.some((one) => one === undefined))
      errors.push({ field: 'OIDC_ISSUER', message: 'OIDC_CLIENT_ID and OIDC_CLIENT_SECRET go together' })
    if (values.PUBLIC_URL === undefined)
      errors.push({ field: 'PUBLIC_URL', message: 'is needed with OIDC_ISSUER, which sends people back to it' })
  }
  if (errors.length > 0) throw new AppError('invalid_input', 'read settings failed', { fields: errors })

  const { path: _, ...readings } = duckdbReadingsConfigSchema.parse({
    path: 'readings.duckdb',
    memoryMb: values.DUCKDB_MEMORY_MB,
    threads: values.DUCKDB_THREADS,
  })
  return {
    dataDir: values.DATA_DIR,
    logLevel: values.LOG_LEVEL,
    bootstrapAdminKey: values.BOOTSTRAP_ADMIN_KEY,
    firstSite: { timeZone: values.SITE_TIME_ZONE, currency: values.SITE_CURRENCY },
    tls,
    topics: { scalarTopics: values.SCALAR_TOPICS, metricNames: values.SCALAR_METRICS },
    broker: brokerConfigSchema.parse({
      host: values.HOST,
      port: portOrOff(values.MQTT_PORT),
      tlsPort: tls === undefined ? undefined : portOrOff(values.MQTTS_PORT),
      wsPort: portOrOff(values.MQTT_WS_PORT),
      wssPort: tls === undefined ? undefined : portOrOff(values.MQTT_WSS_PORT),
      webSocketOrigins: [...values.HTTP_CORS_ORIGINS],
      tls,
      clientCaFile,
      maxConnections: values.MQTT_MAX_CONNECTIONS,
      connectionsPerPrincipal: values.MQTT_CONNECTIONS_PER_DEVICE,
      payloadBytes: values.MQTT_PAYLOAD_BYTES,
      topicLevels: values.MQTT_TOPIC_LEVELS,
      messagesPerS: values.MQTT_MESSAGES_PER_S,
      paceBytes: values.MQTT_PACE_BYTES,
    }),
    log: logConfigSchema.parse({
      maxBytes: values.LOG_MAX_BYTES,
      reserveBytes: values.LOG_RESERVE_BYTES,
      segmentBytes: values.LOG_SEGMENT_BYTES,
    }),
    sessions: sessionConfigSchema.parse({
      maxSessions: values.MQTT_MAX_SESSIONS,
      expiryHours: values.MQTT_SESSION_EXPIRY_HOURS,
      maxQueuedMessages: values.MQTT_MAX_QUEUED_MESSAGES,
      maxRetained: values.MQTT_MAX_RETAINED,
    }),
    ingest: ingestConfigSchema.parse({
      lateHorizonMs: values.INGEST_LATE_HORIZON_MS,
      maxMetrics: values.INGEST_MAX_METRICS,
      stuckIntervals: values.INGEST_STUCK_INTERVALS,
      messageViewMb: values.INGEST_MESSAGE_VIEW_MB,
    }),
    readings,
    influxdb: influxConfigOf(values),
    recentBytes: values.READINGS_RECENT_MB * 1024 * 1024,
    nightly: {
      retentionDays: values.READINGS_RETENTION_DAYS,
      rollupRetentionDays: values.READINGS_ROLLUP_RETENTION_DAYS,
      hourUtc: values.READINGS_NIGHT_HOUR_UTC,
    },
    audit: { retentionDays: values.AUDIT_RETENTION_DAYS },
    alerts: { ...dispatcherConfigSchema.parse({}), recipients: values.ALERT_EMAIL },
    notifier: {
      ...notifierConfigSchema.parse({
        smtpUrl: values.SMTP_URL,
        startTls: values.SMTP_STARTTLS,
        publicUrl: values.PUBLIC_URL,
        connections: values.SMTP_CONNECTIONS,
        mailsPerS: values.MAILS_PER_S,
      }),
      from: values.MAIL_FROM,
    },
    cache: cacheConfigSchema.parse({ memoryMb: values.CACHE_MEMORY_MB }),
    redis: redisConfigSchema.parse({ url: values.REDIS_URL }),
    api: {
      ...apiConfigSchema.parse({
        host: values.HOST,
        port: portOrOff(values.HTTP_PORT),
        tlsPort: tls === undefined ? undefined : portOrOff(values.HTTPS_PORT),
        maxBodyBytes: values.HTTP_MAX_BODY_BYTES,
        maxConnections: values.HTTP_MAX_CONNECTIONS,
        maxConnectionsPerAddress: values.HTTP_MAX_CONNECTIONS_PER_ADDRESS,
        liveStreams: values.HTTP_LIVE_STREAMS,
        liveStreamsPerPrincipal: values.HTTP_LIVE_STREAMS_PER_PRINCIPAL,
        principalPerMin: values.HTTP_PRINCIPAL_REQUESTS_PER_MIN,
        addressPerMin: values.HTTP_ADDRESS_REQUESTS_PER_MIN,
        signInPerMin: values.HTTP_SIGN_INS_PER_MIN,
        publicUrl: values.PUBLIC_URL,
        sessionDays: values.SESSION_DAYS,
        secondFactor: values.SECOND_FACTOR,
        oidc: oidcOf(values),
        forwardedHeader: values.HTTP_FORWARDED_HEADER,
      }),
      trustedProxies: values.HTTP_TRUSTED_PROXIES,
      anonymous: values.HTTP_ANONYMOUS,
      corsOrigins: values.HTTP_CORS_ORIGINS,
    },
  }
}

function faultsOf(files: TlsFiles): readonly FieldError[] {
  const loaded = loadTls(files)
  return loaded.ok ? [] : loaded.faults
}

function oidcOf({
  OIDC_ISSUER: issuer,
  OIDC_CLIENT_ID: clientId,
  OIDC_CLIENT_SECRET: clientSecret,
  OIDC_NAME: name,
}: Settings) {
  if (issuer === undefined || clientId === undefined || clientSecret === undefined) return undefined
  return { issuer, clientId, clientSecret, name }
}

function portOrOff(setting: number | 'off'): number | undefined {
  return setting === 'off' ? undefined : setting
}
