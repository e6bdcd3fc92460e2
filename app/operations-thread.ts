import type { MessagePort } from 'node:worker_threads'
import { Registry } from 'prom-client'
import { createApi } from '../api/index.ts'
import { AppError, systemClock } from '../model/index.ts'
import { createOutboxRelay, openState, type StateConfig } from '../store/state/index.ts'
import type { PlatformConfig } from './config.ts'
import { createLifecycle } from './lifecycle.ts'
import { createLogger } from './logging.ts'
import { remote } from './port-rpc.ts'
import { type BrokerService, brokerMethods, type IngestService, ingestMethods } from './services.ts'
import { runThread } from './threads.ts'

export interface OperationsThreadData {
  readonly config: PlatformConfig
  readonly state: StateConfig
  readonly version: string
  /** To the main thread. */
  readonly broker: MessagePort
  readonly ingest: MessagePort
}

export interface OperationsReady {
  readonly httpPort: number
}

const calls = { maxInFlight: 1_000 } as const

await runThread<OperationsThreadData, OperationsReady>(async (data) => {
  const { config } = data
  const logger = createLogger(config.logLevel, 'operations')
  const lifecycle = createLifecycle(logger)
  try {
    const state = await openState(data.state, { clock: systemClock, logger })
    lifecycle.own('state', () => state.close())
    const broker = remote<BrokerService>(data.broker, brokerMethods, calls)
    const ingest = remote<IngestService>(data.ingest, ingestMethods, calls)
    const relay = createOutboxRelay(state.outbox, broker.appendControl)
    const api = createApi(config.api, {
      state,
      relay,
      peers: {
        readings: { range: ingest.range, buckets: ingest.buckets, stats: ingest.storeStats },
        ingest,
        log: { append: broker.appendControl, stats: broker.logStats },
        broker,
      },
      metrics: new Registry(),
      logger,
      clock: systemClock,
      version: data.version,
    })
    lifecycle.own('api', () => api.stop())
    await api.start()
    const httpPort = api.port()
    if (httpPort === undefined) throw new AppError('internal', 'start api failed: it does not listen')
    return { ready: { httpPort }, stop: () => lifecycle.stop() }
  } catch (error) {
    await lifecycle.stop()
    throw error
  }
})
