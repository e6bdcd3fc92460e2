import { type Cursor, parseCursor } from './cursor.ts'
import {
  alertEvents,
  passedOverEvent,
  presenceEvent,
  readyEvent,
  rejectedEvents,
  resetEvent,
  valueEvents,
} from './events.ts'
import { mostLatest, type News, type Source } from './source.ts'
import type { LiveKind, View } from './view.ts'

/** Where a stream goes on. */
export type Place =
  | { readonly kind: 'fresh' }
  /** Behind an event that its client has, as it says itself. */
  | { readonly kind: 'resumed'; readonly id: string }
  /** It was told everything up to there on this very connection. */
  | { readonly kind: 'caught'; readonly cursor: Cursor }

const never = 999_999_999_999_999
/** Of a cursor of which nothing can be told: no list of ours is so long. */
const unknown: Cursor = { alerts: never, rejected: never, values: never, presence: never, run: 'none', home: 'none' }

/**
 * Everything that lies between the place and the source's cursor, kind by kind; what cannot be told whole is a `reset`. Values
 * then begin with the newest of each series, as they do for a fresh stream. Each event's id says what the client has with it, so
 * that it may break off anywhere.
 */
export async function caughtUp(source: Source, view: View, place: Place): Promise<string> {
  const { cursor } = source
  if (place.kind === 'fresh') {
    const told = { ...cursor, values: unknown.values }
    return readyEvent(view.kinds, told) + (await latest(source, view, { told, upTo: cursor }))
  }
  const from = place.kind === 'caught' ? place.cursor : resumedAt(place.id, cursor)
  let told = cursor
  for (const kind of view.kinds) told = { ...told, ...partOf(kind, from) }
  let text = place.kind === 'caught' ? '' : readyEvent(view.kinds, told)
  for (const kind of view.kinds) {
    const step = { told, upTo: { ...told, ...partOf(kind, cursor) } }
    text += (await missed(kind, source, { view, from, ...step })) ?? (await afresh(kind, source, { view, ...step }))
    told = step.upTo
  }
  return text
}

/** An id of another installation says nothing about this one, though its numbers may well be there. */
function resumedAt(id: string, { home }: Cursor): Cursor {
  const at = parseCursor(id)
  return at?.home === home ? at : unknown
}

interface Step {
  /** What the client has. */
  readonly told: Cursor
  /** What it has when all of the kind is told. */
  readonly upTo: Cursor
}

async function latest(source: Source, view: View, { told, upTo }: Step): Promise<string> {
  if (!view.kinds.includes('values')) return ''
  const values = await source.latest(view)
  return valueEvents(values, told, upTo) + (values.length < mostLatest ? '' : passedOverEvent('values', upTo))
}

async function afresh(kind: LiveKind, source: Source, { view, ...step }: Step & { view: View }): Promise<string> {
  if (kind !== 'values') return resetEvent(kind, step.upTo)
  return resetEvent(kind, step.told) + (await latest(source, view, step))
}

async function missed(
  kind: LiveKind,
  source: Source,
  { view, from, told, upTo }: Step & { view: View; from: Cursor },
): Promise<string | undefined> {
  switch (kind) {
    case 'alerts': {
      const news = await source.alertsSince(from)
      return news && alertEvents(view, news, told)
    }
    case 'rejected': {
      const news = await source.rejectedSince(from)
      return news && rejectedEvents(view, news, told)
    }
    case 'presence': {
      const news = source.presenceSince(from)
      return news && presenceEvent(view, news, upTo)
    }
    case 'values': {
      const news = await source.valuesSince(from, view)
      return news && valueEvents(news, told, upTo)
    }
    default:
      return kind satisfies never
  }
}

function partOf(kind: LiveKind, { alerts, rejected, values, presence, run }: Cursor): Partial<Cursor> {
  switch (kind) {
    case 'alerts':
      return { alerts }
    case 'rejected':
      return { rejected }
    case 'presence':
      return { presence, run }
    case 'values':
      return { values }
    default:
      return kind satisfies never
  }
}

/** What is new, for everybody with this view. */
export function eventsOf(view: View, news: News): string {
  let text = ''
  // What is not shown is known to be so.
  let told = news.cursor
  for (const kind of view.kinds) told = { ...told, ...partOf(kind, news.before) }
  for (const kind of view.kinds) {
    const upTo = { ...told, ...partOf(kind, news.cursor) }
    text += newsOf(kind, view, { news, told, upTo })
    told = upTo
  }
  return text
}

function newsOf(kind: LiveKind, view: View, { news, told, upTo }: Step & { news: News }): string {
  switch (kind) {
    case 'alerts':
      return alertEvents(view, news.alerts, told)
    case 'rejected':
      return rejectedEvents(view, news.rejected, told) + (news.passedOver ? passedOverEvent('rejected', upTo) : '')
    case 'presence':
      return presenceEvent(view, news.presence, upTo)
    case 'values':
      return valueEvents(news.values.of(view), told, upTo)
    default:
      return kind satisfies never
  }
}
