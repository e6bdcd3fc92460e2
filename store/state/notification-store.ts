import type { AlertId, DeviceRecord, SiteId, SiteRecord } from '../../model/index.ts'
import type { LinkRecord } from './account-store.ts'
import type { AlertRecord, TransitionEvent } from './alert-store.ts'
import type { Page, ScopedPage, TimeCursor } from './page.ts'
import type { PersonRecord } from './records.ts'

export const notificationChannels = ['email'] as const
export type NotificationChannel = (typeof notificationChannels)[number]

/** - `queued`: to be tried at `nextAttemptMs`. `failed`: given up. `suppressed`: never to be tried. */
export const notificationStates = ['queued', 'sent', 'failed', 'suppressed'] as const
export type NotificationState = (typeof notificationStates)[number]

/** What a message is about: a step of an alert, or the account of its recipient. */
export const notificationKinds = ['alert', 'invitation', 'password-reset', 'password-changed'] as const
export type NotificationKind = (typeof notificationKinds)[number]
export type AccountMailKind = Exclude<NotificationKind, 'alert'>

/** One message to one recipient. */
export interface NotificationRecord {
  readonly id: string
  /** Ascending in the order of recording. */
  readonly number: number
  readonly kind: NotificationKind
  /** These three are null where it is about no alert. */
  readonly eventId: number | null
  readonly alertId: AlertId | null
  readonly siteId: SiteId | null
  /** These two are null where it is about an alert; a link that no mail of the kind has is null too. */
  readonly personId: string | null
  readonly linkId: string | null
  readonly channel: NotificationChannel
  readonly recipient: string
  readonly state: NotificationState
  /** Why it was not sent (yet): a name; null for one that was, and before the first attempt. */
  readonly reason: string | null
  /** Of the message, once it is rendered; it never changes. */
  readonly messageId: string | null
  readonly attempts: number
  /** Null: there will be none. */
  readonly nextAttemptMs: number | null
  readonly createdMs: number
  readonly sentMs: number | null
}

/** What a mail about an account says. */
export interface AccountMailAbout {
  readonly kind: AccountMailKind
  readonly person: PersonRecord
  /** Null: a mail of this kind has none. The token is a secret of the recipient: it goes into the mail and nowhere else. */
  readonly link: { readonly token: string; readonly expiresMs: number } | null
}

export interface AccountMailInput {
  readonly kind: AccountMailKind
  readonly person: PersonRecord
  readonly link?: LinkRecord
}

export interface AccountMailQueries {
  /** Undefined: the person is gone, or the link is used or expired. */
  about(notification: NotificationRecord): Promise<AccountMailAbout | undefined>
}

/** What the dispatcher decided for one recipient. */
export interface NotificationInput {
  readonly eventId: number
  readonly channel: NotificationChannel
  readonly recipient: string
  /** Undefined: to be sent. Otherwise the name of the reason why it will not be. */
  readonly suppressedBy?: string | undefined
}

/** A step of an alert that people may have to hear of, and what a message about it says. */
export interface DispatchEvent {
  readonly id: number
  readonly event: TransitionEvent
  /** As it is now, perhaps further on than the event. */
  readonly alert: AlertRecord
  /** Null: it is gone. */
  readonly device: DeviceRecord | null
  readonly site: SiteRecord | null
}

/** How far the dispatcher has come, and what it decided. Positions are event ids; the consumer is `dispatcher`. */
export interface DispatchLedger {
  /** 0 at first. */
  position(): Promise<number>
  /** Steps `firing`, `severity` and `resolved` after that event, in order, at most `limit`. */
  events(afterEventId: number, limit: number): Promise<readonly DispatchEvent[]>
  event(eventId: number): Promise<DispatchEvent | undefined>
  /**
   * The decisions and the event they reach to, in one transaction; durable when it resolves. The position committed
   * last changes nothing, an earlier one is a `conflict`; there is one notification per event, channel and recipient.
   */
  commit(position: number, decisions: readonly NotificationInput[]): Promise<void>
}

/** A message as it is sent. */
export interface StoredMessage {
  readonly messageId: string
  readonly bytes: Uint8Array
}

/** One attempt to hand a message over. */
export interface AttemptInput {
  readonly timeMs: number
  readonly provider: string
  /** SMTP reply code; null: there was none. */
  readonly code: number | null
  /** What the server said, or what went wrong; cut at 1,000 characters. */
  readonly response: string
  readonly latencyMs: number
}

export type AttemptOutcome =
  | { readonly kind: 'sent' }
  | { readonly kind: 'retry'; readonly reason: string; readonly nextAttemptMs: number }
  | { readonly kind: 'failed'; readonly reason: string }

export interface AttemptRecord extends AttemptInput {
  /** 1, 2, … within the notification. */
  readonly number: number
  readonly outcome: AttemptOutcome['kind']
}

/** The durable outbox: messages on their way to people. One worker reads it. */
export interface DeliveryQueue {
  /** Queued ones whose time has come, those that wait longest first. */
  due(nowMs: number, limit: number): Promise<readonly NotificationRecord[]>
  /** When the next queued one is to be tried; null: none waits. */
  nextDueMs(): Promise<number | null>
  /** Kept before the first attempt; the first one wins, and is what the call resolves with. */
  saveMessage(id: string, message: StoredMessage): Promise<StoredMessage>
  /** The attempt and what follows from it, in one transaction. `conflict` when it is not queued any more. */
  recordAttempt(id: string, attempt: AttemptInput, outcome: AttemptOutcome): Promise<NotificationRecord>
}

export interface NotificationList extends ScopedPage<TimeCursor> {
  readonly alertId?: AlertId | undefined
  readonly state?: NotificationState | undefined
  readonly recipient?: string | undefined
  /** Leaves out mails about accounts, which tell who is here. */
  readonly alertsOnly?: boolean | undefined
  /** [fromMs, toMs) of `createdMs`. */
  readonly fromMs?: number | undefined
  readonly toMs?: number | undefined
}

export interface NotificationQueries {
  get(id: string): Promise<NotificationRecord | undefined>
  /** The newest first. */
  list(query: NotificationList): Promise<Page<NotificationRecord, TimeCursor>>
  /** The oldest first. */
  attempts(id: string): Promise<readonly AttemptRecord[]>
  /** Undefined until it is rendered. */
  message(id: string): Promise<StoredMessage | undefined>
  counts(): Promise<Readonly<Record<NotificationState, number>>>
}

export interface NotificationWrites {
  /** Queues a mail to a person about their account. */
  tell(mail: AccountMailInput): Promise<void>
  /** Queues one that failed again, with the same message and Message-ID. `conflict` with any other. */
  resend(id: string): Promise<NotificationRecord>
}
