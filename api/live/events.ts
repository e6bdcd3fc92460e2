import type { PresenceChange } from '../../ingest/index.ts'
import type { AlertNews, RejectedRecord } from '../../store/state/index.ts'
import { toAlert, toStep } from '../alert-schemas.ts'
import { toRejected } from '../rejected-schema.ts'
import { formatTime } from '../time.ts'
import { type Cursor, formatCursor } from './cursor.ts'
import type { Value } from './values.ts'
import { type LiveKind, shows, type View } from './view.ts'

/** A change of presence, numbered in this run of the platform. */
export interface NumberedChange extends PresenceChange {
  readonly number: number
}

/** Values of one event; more are more events, so that no event is larger than some 100 KB. */
const valuesPerEvent = 1_000

/** One event as it goes over the wire (WHATWG HTML, 9.2). */
function event(name: string, cursor: Cursor, json: string): string {
  return `event: ${name}\nid: ${formatCursor(cursor)}\ndata: ${json}\n\n`
}

export function readyEvent(kinds: readonly LiveKind[], cursor: Cursor): string {
  return event('ready', cursor, JSON.stringify({ kinds }))
}

/** What of that kind was missed is not told: look it up by its own list, and go on from here. */
export function resetEvent(kind: LiveKind, cursor: Cursor): string {
  return event('reset', cursor, JSON.stringify({ kind }))
}

/** There are more of the kind than are told: its own list has them. */
export function passedOverEvent(kind: LiveKind, cursor: Cursor): string {
  return event('passed-over', cursor, JSON.stringify({ kind }))
}

/** Each with the cursor as of its step. */
export function alertEvents(view: View, news: readonly AlertNews[], cursor: Cursor): string {
  return news
    .filter(({ alert }) => showsAlert(view, alert))
    .map(({ event: step, alert }) =>
      event('alert', { ...cursor, alerts: step.id }, JSON.stringify({ step: toStep(step), alert: toAlert(alert) })),
    )
    .join('')
}

function showsAlert(view: View, { siteId, deviceId, severity, state, metric }: AlertNews['alert']): boolean {
  const { severities, metrics } = view
  if (!shows(view, siteId, deviceId) || (view.state !== undefined && state !== view.state)) return false
  if (severities !== undefined && !severities.includes(severity)) return false
  return metrics === undefined || (metric !== null && metrics.includes(metric))
}

export function rejectedEvents(view: View, news: readonly RejectedRecord[], cursor: Cursor): string {
  return news
    .filter(({ siteId, deviceId, reason }) => {
      return shows(view, siteId, deviceId) && (view.reason === undefined || reason === view.reason)
    })
    .map((record) => event('rejected', { ...cursor, rejected: record.id }, JSON.stringify(toRejected(record))))
    .join('')
}

export function presenceEvent(view: View, changes: readonly NumberedChange[], cursor: Cursor): string {
  const items = changes
    .filter(({ siteId, deviceId }) => shows(view, siteId, deviceId))
    .map(({ deviceId, online, lastSeenMs }) => {
      return { deviceId, online, lastSeen: lastSeenMs === null ? null : formatTime(lastSeenMs) }
    })
  return items.length === 0 ? '' : event('presence', cursor, JSON.stringify({ items }))
}

/** The cursor stands in the last of them: who has not got them all gets them all again. */
export function valueEvents(values: readonly Value[], before: Cursor, cursor: Cursor): string {
  let text = ''
  for (let from = 0; from < values.length; from += valuesPerEvent) {
    const part = values.slice(from, from + valuesPerEvent)
    const isLast = from + valuesPerEvent >= values.length
    const items = part.map(({ json }) => json).join(',')
    text += event('values', isLast ? cursor : before, `{"items":[${items}]}`)
  }
  return text
}
