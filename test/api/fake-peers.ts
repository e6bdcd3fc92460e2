import type { ApiPeers, BrokerStatus } from '../../api/index.ts'
import type { ConnectionView, PushedMessage, PushOutcome, Refused } from '../../broker/index.ts'
import type {
  IngestStats,
  LiveColumns,
  LiveName,
  LiveSelection,
  MessageView,
  Presence,
  PresenceChange,
} from '../../ingest/index.ts'
import { AppError, type DeviceId, maySee, type SeriesId } from '../../model/index.ts'
import type { LogStats } from '../../store/log/index.ts'
import { type MarkedStore, type SeriesInfo, withRecent } from '../../store/readings/index.ts'
import { createMemoryReadings } from '../store/readings/memory-readings.ts'

export interface LiveValue {
  readonly seriesId: SeriesId
  readonly timeMs: number
  readonly value: number
  /** Of the log, where it is held. */
  readonly position?: number
}

/** The other parts of the platform, as far as the API asks them; what they do is set by the test. */
export interface FakePeers {
  readonly peers: ApiPeers
  readonly readings: MarkedStore
  readonly series: Map<SeriesId, SeriesInfo>
  /** Control frames in the log, in order; an empty text says that the record is gone. */
  readonly controls: { topic: string; payload: string }[]
  /** Last messages of devices, the oldest first. */
  readonly messages: Map<DeviceId, readonly MessageView[]>
  passedOver: number
  /** Of principals. */
  readonly connections: Map<string, readonly ConnectionView[]>
  /** Telemetry in the log, in order, and what was listed as refused. */
  readonly pushed: PushedMessage[]
  readonly refusedPushes: Refused[]
  /** What becomes of a push; by default it is on disk. */
  pushOutcome: PushOutcome | AppError | undefined
  readonly presences: Map<DeviceId, Presence>
  logStats: LogStats
  ingestStats: IngestStats
  brokerStatus: BrokerStatus
  /** Every append rejects with it while it is set. */
  appendError: AppError | undefined
  /** What meets a control frame in the log, after it was appended. */
  onAppend: ((topic: string) => Promise<void>) | undefined
  /** What the live part of ingest tells: `values` and `presence` once, the rest as often as it is asked. */
  readonly live: {
    position: number
    registryVersion: number
    values: LiveValue[]
    presence: PresenceChange[] | null
    latest: LiveValue[]
    /** Undefined: nothing is held. */
    held: LiveValue[] | undefined
    readonly names: Map<SeriesId, LiveName>
  }
  /** Parts that never answer. */
  readonly silent: Set<'log' | 'ingest' | 'readings' | 'broker'>
}

/** A part may tell more than the API asks for; that must not reach its answers. */
const unasked = { unasked: 1 }

/** Room for some readings of each series: the rest is asked of the store, as it is in a platform. */
const recentBytes = 100_000

const unseen: Presence = {
  online: false,
  lastSeenMs: null,
  sessions: 0,
  connectsLastHour: 0,
  flapping: false,
  info: {},
}

export function createFakePeers(): FakePeers {
  const series = new Map<SeriesId, SeriesInfo>()
  const readings = withRecent(createMemoryReadings(series), { bytesMax: recentBytes })
  const answer = async <T>(part: 'log' | 'ingest' | 'readings' | 'broker', value: () => T | Promise<T>): Promise<T> =>
    fake.silent.has(part) ? new Promise<never>(() => undefined) : value()

  const fake: FakePeers = {
    readings,
    series,
    controls: [],
    connections: new Map(),
    pushed: [],
    refusedPushes: [],
    pushOutcome: undefined,
    messages: new Map(),
    passedOver: 0,
    presences: new Map(),
    silent: new Set(),
    live: {
      position: 1_000,
      registryVersion: 1,
      values: [],
      presence: null,
      latest: [],
      held: [],
      names: new Map(),
    },
    appendError: undefined,
    onAppend: undefined,
    logStats: {
      tail: 0,
      head: 4_096,
      durable: 4_000,
      bytes: 4_096,
      maxBytes: 1_000_000,
      full: false,
      commits: 7,
      consumers: [{ name: 'ingest', position: 3_900, lag: 100, released: 1_000 }],
    },
    ingestStats: {
      position: 3_900,
      lagBytes: 100,
      lagMs: 0,
      messages: 12,
      readings: 72,
      suspect: 1,
      duplicates: 2,
      redeliveries: 3,
      gaps: 0,
      notJudged: 0,
      rejected: {
        not_json: 4,
        wrong_shape: 0,
        wrong_type: 0,
        not_finite: 0,
        bad_metric_name: 0,
        unknown_device: 0,
        unknown_topic: 0,
        clock_ahead: 0,
        too_old: 0,
        too_many_metrics: 0,
        too_fast: 0,
        store_refused: 0,
        forbidden_topic: 0,
        payload_too_large: 0,
        topic_too_deep: 0,
        quarantined: 0,
      },
      rejectedUnlisted: 0,
      judgedPosition: 3_900,
      storeDown: false,
    },
    brokerStatus: {
      connections: 5,
      connectionsTotal: 9,
      ackedTotal: 100,
      droppedQos0Total: 0,
      droppedDeliveriesTotal: 0,
      refusedTotal: 1,
      failedLoginsTotal: 2,
      throttledLoginsTotal: 0,
      violationsTotal: 0,
      receivedBytesTotal: 4_096,
      pacedMsTotal: 1_500,
    },
    peers: {
      readings: {
        range: (query) => answer('readings', () => readings.range(query)),
        buckets: (query) => answer('readings', () => readings.buckets(query)),
        marked: (queries) => answer('readings', () => readings.marked(queries)),
        markedRanges: (queries) => answer('readings', () => readings.markedRanges(queries)),
        stats: () => answer('readings', () => readings.stats()),
      },
      ingest: {
        presence: (ids) => answer('ingest', () => ids.map((id) => fake.presences.get(id) ?? unseen)),
        latest: (ids) => answer('ingest', () => readings.latest(ids)),
        messages: (id, after) =>
          answer('ingest', () => ({
            messages: (fake.messages.get(id) ?? []).filter(({ position }) => position > after),
            passedOver: fake.passedOver,
          })),
        stats: () => answer('ingest', () => ({ ...fake.ingestStats, ...unasked })),
      },
      live: {
        news: (ask) =>
          answer('ingest', () => {
            const { values, presence } = fake.live
            fake.live.values = []
            fake.live.presence = []
            const { position, registryVersion } = fake.live
            const shown = ask.presence ? presence : []
            return { position, registryVersion, values: toColumns(ask.values ? values : []), presence: shown }
          }),
        latest: (selection, limit) =>
          answer('ingest', () => toColumns(fake.live.latest.filter(isSelected(selection)).slice(0, limit))),
        replay: (selection, after) =>
          answer('ingest', () => {
            const held = fake.live.held?.filter(isSelected(selection)).filter(({ position = 0 }) => position > after)
            return held && toColumns(held)
          }),
        names: (ids) => answer('ingest', () => [...ids].map((id) => fake.live.names.get(id) ?? null)),
      },
      log: {
        async append(topic, payload) {
          if (fake.appendError) throw fake.appendError
          fake.controls.push({ topic, payload: Buffer.from(payload).toString() })
          void fake.onAppend?.(topic)
          return fake.controls.length
        },
        stats: () => answer('log', () => ({ ...fake.logStats, ...unasked })),
      },
      broker: {
        status: () => answer('broker', () => ({ ...fake.brokerStatus, ...unasked })),
        async push(message) {
          const { pushOutcome = { kind: 'durable' } } = fake
          if (pushOutcome instanceof AppError) throw pushOutcome
          if (pushOutcome.kind === 'durable') fake.pushed.push(message)
          return pushOutcome
        },
        refusePush: async (refused) => void fake.refusedPushes.push(refused),
        connections: (principal) => answer('broker', () => fake.connections.get(principal) ?? []),
        disconnect: async (principal, connectionId) => {
          const theirs = fake.connections.get(principal) ?? []
          const left = connectionId === undefined ? [] : theirs.filter(({ id }) => id !== connectionId)
          fake.connections.set(principal, left)
          return theirs.length - left.length
        },
      },
    },
  }
  function isSelected({ sites, devices, metrics }: LiveSelection) {
    return ({ seriesId }: LiveValue): boolean => {
      const name = fake.live.names.get(seriesId)
      if (name === undefined || name === null || !maySee(sites, name.siteId)) return false
      return devices?.includes(name.deviceId) !== false && metrics?.includes(name.metric) !== false
    }
  }

  return fake
}

function toColumns(values: readonly LiveValue[]): LiveColumns {
  return {
    seriesIds: Int32Array.from(values, ({ seriesId }) => seriesId),
    timesMs: Float64Array.from(values, ({ timeMs }) => timeMs),
    values: Float64Array.from(values, ({ value }) => value),
    quality: new Uint8Array(values.length),
  }
}
