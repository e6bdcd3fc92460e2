import type { LiveNews, LiveQueries, PresenceChange } from '../../ingest/index.ts'
import type { AlertNews, RejectedRecord, State } from '../../store/state/index.ts'
import { createDeadline } from '../deadline.ts'
import type { Cursor } from './cursor.ts'
import type { NumberedChange } from './events.ts'
import { createDirectory, type Directory, type Value, Values } from './values.ts'
import { type LiveKind, selectionOf, type View } from './view.ts'

/** What has happened between two cursors. */
export interface News {
  readonly before: Cursor
  readonly cursor: Cursor
  readonly alerts: readonly AlertNews[]
  readonly rejected: readonly RejectedRecord[]
  /** More were rejected than are shown. */
  readonly passedOver: boolean
  readonly presence: readonly NumberedChange[]
  readonly values: Values
}

/** Everything that streams tell of. What somebody missed (`…Since`) is undefined when not all of it can be told. */
export interface Source {
  readonly cursor: Cursor
  /** Moves the cursor to now, without telling what was until then. */
  begin(): Promise<void>
  /** What is new, of the kinds that anybody wants. When it rejects the cursor has not moved; values may have been passed over. */
  poll(wanted: ReadonlySet<LiveKind>): Promise<News>
  alertsSince(cursor: Cursor): Promise<readonly AlertNews[] | undefined>
  rejectedSince(cursor: Cursor): Promise<readonly RejectedRecord[] | undefined>
  presenceSince(cursor: Cursor): readonly NumberedChange[] | undefined
  valuesSince(cursor: Cursor, view: View): Promise<readonly Value[] | undefined>
  /** The newest of each series, `mostLatest` at most. */
  latest(view: View): Promise<readonly Value[]>
}

export interface SourceDeps {
  readonly state: Pick<State, 'alerts' | 'ledger'>
  readonly live: LiveQueries
  /** Names this run of the platform. */
  readonly run: string
  /** Names this installation. */
  readonly home: string
  /** How long ingest may take to answer. */
  readonly timeoutMs: number
}

/** Steps of alerts read at once; the rest comes with the next look. */
const stepsAtOnce = 1_000
const rejectedAtOnce = 200
/** Told to who comes back; who has missed more is told to look it up. */
const mostMissed = { alerts: 1_000, rejected: 500, values: 5_000 } as const
const changesKept = 10_000
/** Values of one stream's beginning. */
export const mostLatest = 20_000

export function createSource({ state, live, run, home, timeoutMs }: SourceDeps): Source {
  const inTime = <Result>(work: Promise<Result>) => createDeadline('ask ingest for news', timeoutMs).limit(work)
  const directory: Directory = createDirectory({ names: (ids) => inTime(live.names(ids)) })
  let cursor: Cursor = { alerts: 0, rejected: 0, values: 0, presence: 0, run, home }
  let changes: NumberedChange[] = []
  let runs = 0

  /** Numbers what has changed, and keeps it for those who come back. */
  function presenceOf(found: readonly PresenceChange[] | null) {
    if (found === null) {
      // Numbers of before mean nothing any more.
      changes = []
      return { presence: [], upTo: { presence: 0, run: `${run}${runs++}` } }
    }
    const presence = found.map((change, i) => ({ ...change, number: cursor.presence + i + 1 }))
    changes = [...changes, ...presence].slice(-changesKept)
    return { presence, upTo: { presence: cursor.presence + presence.length, run: cursor.run } }
  }

  async function newsOf(ask: { readonly values: boolean }): Promise<LiveNews> {
    try {
      return await inTime(live.news({ ...ask, presence: true }))
    } catch (error) {
      // It may have told what nobody has heard.
      cursor = { ...cursor, ...presenceOf(null).upTo }
      throw error
    }
  }

  async function alertsUpTo(wanted: boolean): Promise<{ readonly news: readonly AlertNews[]; readonly upTo: number }> {
    const { newest } = await state.alerts.stepBounds()
    if (!wanted || newest === cursor.alerts) return { news: [], upTo: newest }
    const news = await state.alerts.news({ after: cursor.alerts, upTo: newest, limit: stepsAtOnce })
    return { news, upTo: news.length < stepsAtOnce ? newest : (news.at(-1)?.event.id ?? newest) }
  }

  async function rejectedNow(wanted: boolean) {
    const { total } = await state.ledger.rejectedCount()
    const after = Math.max(cursor.rejected, total - rejectedAtOnce)
    const passedOver = wanted && after > cursor.rejected
    if (!wanted || total === cursor.rejected) return { records: [], passedOver, upTo: total }
    const records = await state.ledger.rejectedNews({ after, limit: rejectedAtOnce })
    return { records, passedOver, upTo: records.at(-1)?.id ?? total }
  }

  return {
    get cursor() {
      return cursor
    },

    async begin() {
      const [{ newest: alerts }, { total: rejected }, { position: values, presence }] = await Promise.all([
        state.alerts.stepBounds(),
        state.ledger.rejectedCount(),
        newsOf({ values: false }),
      ])
      cursor = { alerts, rejected, values, ...presenceOf(presence).upTo, home }
    },

    async poll(wanted) {
      const before = cursor
      const alerts = await alertsUpTo(wanted.has('alerts'))
      const rejected = await rejectedNow(wanted.has('rejected'))
      // Always: who wants it later has to know what it was.
      const news = await newsOf({ values: wanted.has('values') })
      const values = new Values(await directory.valuesOf(news.values, news.registryVersion))
      const { presence, upTo } = presenceOf(news.presence)
      cursor = { alerts: alerts.upTo, rejected: rejected.upTo, values: news.position, ...upTo, home }
      const { passedOver } = rejected
      return { before, cursor, alerts: alerts.news, rejected: rejected.records, passedOver, presence, values }
    },

    async alertsSince({ alerts: after }) {
      const { trimmed } = await state.alerts.stepBounds()
      if (after > cursor.alerts || after < trimmed) return undefined
      const missed = await state.alerts.news({ after, upTo: cursor.alerts, limit: mostMissed.alerts + 1 })
      return missed.length > mostMissed.alerts ? undefined : missed
    },

    async rejectedSince({ rejected: after }) {
      const { listed, total } = await state.ledger.rejectedCount()
      if (after > cursor.rejected || after < total - listed || cursor.rejected - after > mostMissed.rejected)
        return undefined
      const missed = await state.ledger.rejectedNews({ after, limit: mostMissed.rejected })
      return missed.filter(({ id }) => id <= cursor.rejected)
    },

    presenceSince({ presence: after, run: ofRun }) {
      if (ofRun !== cursor.run || after > cursor.presence || cursor.presence - after > changes.length) return undefined
      return changes.filter(({ number }) => number > after)
    },

    async valuesSince({ values: after }, view) {
      const columns = await inTime(live.replay(selectionOf(view), after, mostMissed.values))
      return columns && directory.valuesOf(columns)
    },

    latest: async (view) => directory.valuesOf(await inTime(live.latest(selectionOf(view), mostLatest))),
  }
}
