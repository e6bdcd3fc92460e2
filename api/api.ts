import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { Clock } from '../model/index.ts'
import type { State } from '../store/state/index.ts'
import { type App, createApp } from './app.ts'
import { createChanges } from './changes.ts'
import type { ApiConfig } from './config.ts'
import { createHttpMetrics } from './http-metrics.ts'
import type { ApiPeers, ControlRelay, ValidateRule } from './ports.ts'
import { createRoutes } from './routes.ts'
import { createHttpServer } from './server.ts'

export interface ApiDeps {
  readonly state: State
  readonly relay: ControlRelay
  readonly peers: ApiPeers
  readonly validateRule: ValidateRule
  /** Where the API's own metrics go, and what /metrics prints. */
  readonly metrics: Registry
  readonly logger: Logger
  readonly clock: Clock
  /** Of the platform, for people and for the OpenAPI document. */
  readonly version: string
}

export interface Api {
  start(): Promise<void>
  stop(): Promise<void>
  /** The port it listens on; undefined while it does not. */
  port(): number | undefined
  /** Answers a request without a socket. */
  readonly request: App['request']
}

/** The HTTP side of the platform. Constructing it does nothing; it holds no state of its own but counters. */
export function createApi(config: ApiConfig, deps: ApiDeps): Api {
  const { state, peers, clock, logger } = deps
  const routes = createRoutes({
    state,
    peers,
    clock,
    registry: deps.metrics,
    validateRule: deps.validateRule,
    changes: createChanges(state, deps.relay),
    peerTimeoutMs: config.peerTimeoutMs,
    version: deps.version,
  })
  const metrics = createHttpMetrics(deps.metrics)
  const app = createApp(routes, config, { credentials: state.credentials, logger, metrics })
  const server = createHttpServer(config, { fetch: app.fetch, onUnreadable: metrics.unreadable, logger })
  return { start: server.start, stop: server.stop, port: server.port, request: app.request }
}
