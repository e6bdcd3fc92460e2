import type { AccountMailAbout, DispatchEvent, NotificationRecord, StoredMessage } from '../store/state/index.ts'
import type { Insist } from './insist.ts'
import type { NotifierState, OutgoingMail, PermanentReason } from './ports.ts'

/** The message that a notification is. */
export interface Render {
  /** Asked once for each, for it is kept then. */
  alert(due: NotificationRecord, about: DispatchEvent): Promise<StoredMessage>
  /** Asked for each attempt: what is kept has no token. */
  account(
    due: NotificationRecord,
    about: AccountMailAbout,
  ): Promise<{ readonly sent: StoredMessage; readonly kept: StoredMessage }>
}

export type Prepared =
  | { readonly kind: 'mail'; readonly mail: OutgoingMail }
  | { readonly kind: 'unsendable'; readonly reason: PermanentReason; readonly why: string }

export interface PrepareDeps {
  readonly state: NotifierState
  readonly render: Render
  readonly insist: Insist
}

/** What an earlier attempt sent is sent again, to the byte: the server may have it. Otherwise rendered now, and kept. */
export async function prepareMail(due: NotificationRecord, { state, render, insist }: PrepareDeps): Promise<Prepared> {
  if (due.kind !== 'alert') return prepareAccountMail(due, { state, render, insist })
  const { id, eventId, recipient, createdMs, messageId } = due
  const toMail = (message: StoredMessage): Prepared => ({ kind: 'mail', mail: { ...message, recipient, createdMs } })

  const kept = messageId === null ? undefined : await insist('read a mail', () => state.notifications.message(id))
  if (kept !== undefined) return toMail(kept)
  const about = await insist('read what a mail is about', async () =>
    eventId === null ? undefined : state.dispatch.event(eventId),
  )
  if (about === undefined)
    return { kind: 'unsendable', reason: 'event_gone', why: `event ${eventId} is not kept any more` }
  let rendered: StoredMessage
  try {
    rendered = await render.alert(due, about)
  } catch (error) {
    return { kind: 'unsendable', reason: 'unrenderable', why: error instanceof Error ? error.message : String(error) }
  }
  return toMail(await insist('keep a mail', () => state.deliveries.saveMessage(id, rendered)))
}

/** Rendered for each attempt, to the same bytes while the link is the same; kept without its token. */
async function prepareAccountMail(due: NotificationRecord, { state, render, insist }: PrepareDeps): Promise<Prepared> {
  const { id, recipient, createdMs } = due
  const about = await insist('read what a mail is about', () => state.accountMails.about(due))
  if (about === undefined)
    return { kind: 'unsendable', reason: 'link_gone', why: 'the link was used or has expired, or its person is gone' }
  const { sent, kept } = await render.account(due, about)
  await insist('keep a mail', () => state.deliveries.saveMessage(id, kept))
  return { kind: 'mail', mail: { ...sent, recipient, createdMs } }
}
