import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { CheckTelemetry } from '../ingest/index.ts'
import type { Clock } from '../model/index.ts'
import { type Cache, cacheWithin } from '../store/cache/index.ts'
import { createLimits, type LimitRule } from '../store/limits/index.ts'
import type { Redis } from '../store/redis/index.ts'
import type { AuditCheckpoint, State } from '../store/state/index.ts'
import { type App, createApp } from './app.ts'
import { createPeopleAccess } from './auth/people-access.ts'
import { createCachedAnswers } from './cached-answers.ts'
import { createChanges } from './changes.ts'
import type { ApiConfig } from './config.ts'
import { createConnectionLimit } from './connection-limit.ts'
import { createHttpMetrics } from './http-metrics.ts'
import { createInventory } from './inventory.ts'
import type { TlsPair } from './listener.ts'
import { createHub } from './live/hub.ts'
import { createLiveMetrics } from './live/live-metrics.ts'
import { createPlaces } from './live/places.ts'
import { createSource } from './live/source.ts'
import { createLiveStreams } from './live-streams.ts'
import type { ApiPeers, ControlRelay, ServiceWatch, ValidateRule } from './ports.ts'
import { createQuotas, type LimitKind } from './quota.ts'
import { createRefusedRequests } from './refused-requests.ts'
import { createRepeats } from './repeats.ts'
import { createRoutes } from './routes.ts'
import { createHttpServer, type HttpPorts } from './server.ts'
import { createTlsMetrics } from './tls-metrics.ts'

export interface ApiDeps {
  readonly state: State
  readonly relay: ControlRelay
  readonly peers: ApiPeers
  readonly validateRule: ValidateRule
  readonly checkTelemetry: CheckTelemetry
  recordedCheckpoints(): Promise<readonly AuditCheckpoint[]>
  /** 32 bytes or more that only this platform knows: signs cookies and encrypts second factors. */
  readonly accountSecret: Uint8Array
  /** Where the API's own metrics go, and what /metrics prints. */
  readonly metrics: Registry
  readonly service: ServiceWatch
  readonly logger: Logger
  readonly clock: Clock
  /** Of the platform, for people and for the OpenAPI document. */
  readonly version: string
  /** What HTTPS and MQTT over TLS begin with; undefined: there is none. */
  readonly tls: TlsPair | undefined
  /** Others may have keys of their own in it. */
  readonly cache: Cache
  /** Of this start: `state.dataVersions` has begun it. */
  readonly era: string
  /** What platforms that share it count together is there; undefined: each counts for itself. */
  readonly redis: Redis | undefined
}

export interface Api {
  start(): Promise<void>
  stop(): Promise<void>
  /** What it listens on; undefined where it does not. */
  ports(): HttpPorts
  /** New connections get this certificate. */
  useTls(pair: TlsPair): void
  /** Answers a request without a socket. */
  readonly request: App['request']
}

/** The HTTP side of the platform. Constructing it does nothing; it holds no state of its own but counters. */
export function createApi(config: ApiConfig, deps: ApiDeps): Api {
  const { state, peers, clock, logger } = deps
  const changes = createChanges(state, deps.relay)
  const people = createPeopleAccess(config, { ...deps, changes })
  const places = createPlaces({ ofOwner: config.liveStreamsPerPrincipal, inAll: config.liveStreams })
  const follow = { pollMs: config.livePollMs, heartbeatMs: config.liveHeartbeatMs }
  const versions = state.dataVersions
  const live = createLiveStreams(follow, { places, accessVersion: () => versions.read(['access', 'inventory']) })
  const source = createSource({
    state,
    live: peers.live,
    run: clock.now().toString(36),
    home: versions.installation.slice(0, 8),
    timeoutMs: config.peerTimeoutMs,
  })
  const hub = createHub(
    { ...follow, patienceMs: config.livePatienceMs },
    {
      source,
      accessVersion: () => versions.read(['access']),
      places,
      metrics: createLiveMetrics(deps.metrics, places),
      logger,
    },
  )
  const routes = createRoutes({
    state,
    inventory: createInventory(state),
    peers,
    live,
    hub,
    clock,
    people,
    cache: cacheWithin(deps.cache, deps.era),
    registry: deps.metrics,
    validateRule: deps.validateRule,
    checkTelemetry: deps.checkTelemetry,
    recordedCheckpoints: deps.recordedCheckpoints,
    changes,
    peerTimeoutMs: config.peerTimeoutMs,
    anonymous: config.anonymous,
    answerTimeoutMs: config.answerTimeoutMs,
    version: deps.version,
  })
  const metrics = createHttpMetrics(deps.metrics, deps.service)
  const quotaOf = createQuotas(createLimits(limitRules(config), { redis: deps.redis }), metrics.rateLimited)
  const refused = createRefusedRequests(logger)
  const app = createApp(routes, config, {
    authenticate: people.authenticate,
    logger,
    metrics,
    quotaOf,
    answerCached: createCachedAnswers({ cache: deps.cache, versions: state.dataVersions }),
    refused,
    repeats: createRepeats({ answers: state.answers, onMadeRoom: metrics.answersRemoved, logger }),
  })
  const server = createHttpServer(config, {
    fetch: app.fetch,
    limit: createConnectionLimit(config, metrics.refusedConnection),
    onUnreadable: metrics.unreadable,
    tls: deps.tls,
    logger,
  })
  const observeTls = deps.tls && createTlsMetrics(deps.metrics, clock)
  if (deps.tls) observeTls?.(deps.tls.cert)
  return {
    start: server.start,
    async stop() {
      // They would hold up the stop until they are cut.
      live.stop()
      hub.stop()
      await server.stop()
      refused.flush()
    },
    ports: server.ports,
    useTls(pair) {
      server.useTls(pair)
      observeTls?.(pair.cert)
    },
    request: app.request,
  }
}

const windowS = 60

function limitRules(config: ApiConfig): Record<LimitKind, LimitRule> {
  return {
    principal: { limit: config.principalPerMin, windowS },
    address: { limit: config.addressPerMin, windowS },
    'sign-in': { limit: config.signInPerMin, windowS },
  }
}
