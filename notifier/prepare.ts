import type { DispatchEvent, NotificationRecord, StoredMessage } from '../store/state/index.ts'
import type { Insist } from './insist.ts'
import type { NotifierState, OutgoingMail, PermanentReason } from './ports.ts'

/** The message that a notification is; asked once for each, for it is kept then. */
export type Render = (due: NotificationRecord, about: DispatchEvent) => Promise<StoredMessage>

export type Prepared =
  | { readonly kind: 'mail'; readonly mail: OutgoingMail }
  | { readonly kind: 'unsendable'; readonly reason: PermanentReason; readonly why: string }

/** What an earlier attempt sent is sent again, to the byte: the server may have it. Otherwise rendered now, and kept. */
export async function prepareMail(
  due: NotificationRecord,
  { state, render, insist }: { readonly state: NotifierState; readonly render: Render; readonly insist: Insist },
): Promise<Prepared> {
  const { id, eventId, recipient, createdMs, messageId } = due
  const toMail = (message: StoredMessage): Prepared => ({ kind: 'mail', mail: { ...message, recipient, createdMs } })

  const kept = messageId === null ? undefined : await insist('read a mail', () => state.notifications.message(id))
  if (kept !== undefined) return toMail(kept)
  const about = await insist('read what a mail is about', () => state.dispatch.event(eventId))
  if (about === undefined)
    return { kind: 'unsendable', reason: 'event_gone', why: `event ${eventId} is not kept any more` }
  let rendered: StoredMessage
  try {
    rendered = await render(due, about)
  } catch (error) {
    return { kind: 'unsendable', reason: 'unrenderable', why: error instanceof Error ? error.message : String(error) }
  }
  return toMail(await insist('keep a mail', () => state.deliveries.saveMessage(id, rendered)))
}
