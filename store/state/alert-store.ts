import type {
  AlertId,
  AlertState,
  DeviceId,
  Evidence,
  MetricName,
  Principal,
  ResolveReason,
  RuleId,
  Severity,
  SiteId,
  Transition,
} from '../../model/index.ts'
import type { LogPosition } from '../log/index.ts'
import type { Page, PageRequest, ScopedPage, TimeCursor } from './page.ts'

/** One alert as its transitions and its people left it. Times are the transitions': the series' clock. */
export interface AlertRecord {
  readonly id: AlertId
  /** Ascending in the order of recording. */
  readonly number: number
  readonly ruleId: RuleId
  /** Of the last transition. */
  readonly ruleVersion: number
  readonly ruleName: string
  readonly deviceId: DeviceId
  readonly siteId: SiteId
  /** Null: the subject is the device. */
  readonly metric: MetricName | null
  readonly severity: Severity
  readonly state: AlertState
  readonly startedMs: number
  readonly firedMs: number | null
  readonly resolvedMs: number | null
  /** Of the last transition; null for no data. */
  readonly value: number | null
  /** Of the last transition. */
  readonly evidence: Evidence
  /** Epoch ms of the platform, and the principal's id. */
  readonly acknowledgedMs: number | null
  readonly acknowledgedBy: string | null
  readonly resolveReason: ResolveReason | null
  /** What people wrote when they resolved it by hand. */
  readonly resolution: string | null
  readonly rootCause: string | null
}

/** Who did something to an alert. */
export type AlertActor = Pick<Principal, 'kind' | 'id'>

interface Step {
  /** In the order of recording, over all alerts. */
  readonly id: number
  readonly alertId: AlertId
  readonly timeMs: number
}

/** A step that the rules made. `inactive` is none: an alert that never fired leaves nothing. */
export interface TransitionEvent extends Step {
  readonly kind: 'pending' | 'firing' | 'severity' | 'resolved'
  readonly transition: Transition
}

/** One line of an alert's timeline; it never changes. People's steps carry the platform's time. */
export type AlertEvent =
  | TransitionEvent
  | (Step & { readonly kind: 'acknowledged'; readonly by: AlertActor })
  | (Step & { readonly kind: 'commented'; readonly by: AlertActor; readonly text: string })
  | (Step & {
      readonly kind: 'resolve_requested'
      readonly by: AlertActor
      readonly resolution: string | null
      readonly rootCause: string | null
    })

export interface AlertList extends ScopedPage<TimeCursor> {
  readonly state?: AlertState | undefined
  readonly severity?: Severity | undefined
  readonly deviceId?: DeviceId | undefined
  readonly ruleId?: RuleId | undefined
  readonly siteId?: SiteId | undefined
  /** [fromMs, toMs) of `startedMs`. */
  readonly fromMs?: number | undefined
  readonly toMs?: number | undefined
}

export interface AlertTimeline extends PageRequest<number> {
  readonly alertId: AlertId
}

/** A step with its alert as it is now. */
export interface AlertNews {
  readonly event: AlertEvent
  readonly alert: AlertRecord
}

/** How far the steps of all alerts go. */
export interface StepBounds {
  /** Number of the newest one. */
  readonly newest: number
  /** Of those up to here some may be gone, because their alerts were removed after a long time. */
  readonly trimmed: number
}

export interface AlertQueries {
  get(id: AlertId): Promise<AlertRecord | undefined>
  /** The newest first, by `startedMs`. */
  list(query: AlertList): Promise<Page<AlertRecord, TimeCursor>>
  /** In the order of recording. */
  timeline(query: AlertTimeline): Promise<Page<AlertEvent, number>>
  counts(query: Pick<ScopedPage, 'scope'>): Promise<Readonly<Record<AlertState, number>>>
  /**
   * The steps behind `after`, up to `upTo`, of all alerts, in the order of recording: what was read once is never preceded by
   * another. Without those that are pending: an alert that does not fire leaves nothing.
   */
  news(query: { readonly after: number; readonly upTo: number; readonly limit: number }): Promise<readonly AlertNews[]>
  stepBounds(): Promise<StepBounds>
}

/** What people do with an alert that has fired; `conflict` with one that is still pending. */
export interface AlertWrites {
  /** Once: the first one counts, and who comes later changes nothing. `conflict` when it is resolved. */
  acknowledge(id: AlertId): Promise<AlertRecord>
  /** Also after it is resolved. */
  comment(id: AlertId, text: string): Promise<AlertRecord>
  /**
   * Orders the rules to resolve it; the transition follows, once they have met the order in the log. `conflict` when
   * it is resolved. The texts are on the alert at once, and those of the last order stay.
   */
  requestResolve(id: AlertId, order: ResolveOrder): Promise<AlertRecord>
}

export interface ResolveOrder {
  readonly resolution?: string | undefined
  readonly rootCause?: string | undefined
}

/** Where the rules record what they decide: a rules' `TransitionSink`. Its position is that of consumer `rules`. */
export interface AlertLedger {
  /** 0 at first. */
  position(): Promise<LogPosition>
  /**
   * The transitions, in order, as alerts and timelines, and the position they reach to, in one transaction; durable
   * when it resolves. The position recorded last changes nothing, an earlier one is a `conflict`.
   */
  record(transitions: readonly Transition[], position: LogPosition): Promise<void>
}
