import type { AccountMailQueries, DeliveryQueue, DispatchLedger, NotificationQueries } from '../store/state/index.ts'

/** What the notifier needs of the state: the outbox, the messages kept, and what they are about. */
export interface NotifierState {
  readonly deliveries: Pick<DeliveryQueue, 'due' | 'saveMessage' | 'recordAttempt'>
  readonly notifications: Pick<NotificationQueries, 'message'>
  readonly dispatch: Pick<DispatchLedger, 'event'>
  readonly accountMails: AccountMailQueries
}

/** A message as a provider takes it. */
export interface OutgoingMail {
  readonly recipient: string
  readonly messageId: string
  /** RFC 5322, complete. */
  readonly bytes: Uint8Array
  /** When it was decided that it be sent. */
  readonly createdMs: number
}

/** Why a mail is not there yet; each may pass. */
export const temporaryReasons = [
  'server_unreachable',
  'server_timed_out',
  'login_refused',
  'server_refused',
  'refused_for_now',
  'connection_lost',
  'folder_unwritable',
] as const
export type TemporaryReason = (typeof temporaryReasons)[number]

/** Why a mail will never be there. */
export const permanentReasons = [
  'recipient_refused',
  'sender_refused',
  'message_refused',
  'address_invalid',
  'unrenderable',
  'event_gone',
  'link_gone',
  'gave_up',
] as const
export type PermanentReason = (typeof permanentReasons)[number]

/** How one conversation with a provider ended. `code`: the SMTP reply, null where there was none. */
export type SendOutcome = { readonly code: number | null; readonly response: string } & (
  | { readonly kind: 'sent' }
  | {
      readonly kind: 'temporary'
      readonly reason: TemporaryReason
      /** It says nothing about this mail: the next one would fare the same. */
      readonly providerDown: boolean
    }
  | { readonly kind: 'permanent'; readonly reason: PermanentReason }
)

/** One way out for mails. */
export interface MailProvider {
  /** As the log of attempts names it; no secret in it. */
  readonly name: string
  /** Never rejects but with the signal's reason, once that aborts; bounded in time. */
  send(mail: OutgoingMail, signal: AbortSignal): Promise<SendOutcome>
  /** Lets go of connections. After the last send. */
  close(): void
}
