import type { Kysely } from 'kysely'
import type {
  AssetId,
  DeviceId,
  DeviceRecord,
  KeyId,
  MetricName,
  ProfileId,
  ProfileRecord,
  SeriesId,
  SiteId,
  SiteRecord,
  SiteScope,
} from '../../model/index.ts'
import type { LogPosition } from '../log/index.ts'
import type { SeriesInfo } from '../readings/index.ts'
import type { AccountLinkQueries, AccountLinkWrites, AccountQueries, AccountWrites } from './account-store.ts'
import type { AlertLedger, AlertQueries, AlertWrites } from './alert-store.ts'
import type { AnswerStore, AnswerWrites } from './answer-store.ts'
import type { AuditQueries } from './audit-store.ts'
import type { DataVersions } from './data-versions.ts'
import type {
  AccountMailQueries,
  DeliveryQueue,
  DispatchLedger,
  NotificationQueries,
  NotificationWrites,
} from './notification-store.ts'
import type { Page, PageRequest, ScopedPage, TimeCursor } from './page.ts'
import type {
  Actor,
  ApiKeyInput,
  ApiKeyWithSecrets,
  AssetInput,
  AssetPatch,
  AssetRecord,
  DeviceInput,
  DevicePatch,
  DeviceTokenRecord,
  Issued,
  PendingControl,
  PersonInput,
  PersonPatch,
  PersonRecord,
  ProfileInput,
  ProfilePatch,
  RejectedRecord,
  RejectedRow,
  RevokedCertificate,
  SecretUse,
  SiteInput,
  SitePatch,
  VerifiedCredential,
} from './records.ts'
import type { RuleQueries, RuleWrites } from './rule-store.ts'
import type { ServiceStore } from './service-store.ts'

/**
 * State as one thread sees it: reads as plain objects of functions, writes only within `change`. Lists are ordered by
 * id and filtered by the sites that the asker may see; `get` is not filtered. Errors are AppErrors: `not_found`,
 * `conflict`, `invalid_input` (both with `fields`), `store_unavailable` (retryable), `store_failed`.
 */
export interface State {
  readonly sites: SiteQueries
  readonly assets: AssetQueries
  readonly profiles: ProfileQueries
  readonly devices: DeviceQueries
  readonly series: SeriesRegistry
  readonly credentials: CredentialQueries
  readonly credentialUses: CredentialUses
  readonly people: PersonQueries
  readonly accounts: AccountQueries
  readonly links: AccountLinkQueries
  /** For the account library alone, which writes its own tables (`auth_…`) and three columns of `people`. */
  readonly accountTables: AccountTables
  readonly settings: SettingQueries
  readonly audit: AuditQueries
  readonly outbox: ControlOutbox
  readonly ledger: Ledger
  readonly rules: RuleQueries
  readonly alerts: AlertQueries
  readonly alertLedger: AlertLedger
  readonly dispatch: DispatchLedger
  readonly deliveries: DeliveryQueue
  readonly notifications: NotificationQueries
  readonly accountMails: AccountMailQueries
  readonly answers: AnswerStore
  readonly service: ServiceStore
  readonly dataVersions: DataVersions
  /**
   * The one way to write what people decide: all of `work` or nothing, together with an audit row per change and a
   * control frame per changed site, profile, device and rule. Durable when it resolves; nothing of it stays when it rejects.
   * `work` must await nothing but the unit's own functions, for it holds the only write lock there is; changes that are
   * asked for meanwhile happen one after the other and share the next fsync. The control frames are in `outbox` then,
   * not yet in the log: flush the relay (createOutboxRelay) before answering.
   */
  change<Result>(actor: Actor, work: (unit: ChangeUnit) => Promise<Result>): Promise<Result>
  /**
   * Removes what is beyond the bound on resolved alerts (`alertRows`), the oldest first, each with its timeline and its
   * notifications; to be called once a day. Resolves with how many went.
   */
  trimAlerts(): Promise<number>
  /**
   * Removes rows of the audit log from before `beforeMs`, the oldest first, some thousand at a time; to be called once a day
   * until there are no more. The newest row stays, and a row of its own says what went. Resolves with how many did.
   */
  trimAudit(beforeMs: number): Promise<number>
  /** Every later call rejects with `closed`. */
  close(): Promise<void>
}

/** A database whose tables no type of ours describes. */
export type AccountTables = Kysely<Record<never, never>>

/** The repositories within one change: they see what it has written so far. */
export interface ChangeUnit {
  readonly sites: SiteQueries & SiteWrites
  readonly assets: AssetQueries & AssetWrites
  readonly profiles: ProfileQueries & ProfileWrites
  readonly devices: DeviceQueries & DeviceWrites
  readonly credentials: CredentialQueries & CredentialWrites
  readonly people: PersonQueries & PersonWrites
  readonly accounts: AccountQueries & AccountWrites
  readonly links: AccountLinkQueries & AccountLinkWrites
  readonly settings: SettingQueries & SettingWrites
  readonly rules: RuleQueries & RuleWrites
  readonly alerts: AlertQueries & AlertWrites
  readonly notifications: NotificationQueries & NotificationWrites
  readonly answers: AnswerWrites
}

export interface SiteQueries {
  get(id: SiteId): Promise<SiteRecord | undefined>
  list(query: ScopedPage): Promise<Page<SiteRecord>>
}

export interface SiteWrites {
  create(input: SiteInput): Promise<SiteRecord>
  update(id: SiteId, patch: SitePatch): Promise<SiteRecord>
  /** `conflict` while it has assets or devices. */
  remove(id: SiteId): Promise<void>
}

export interface AssetList extends ScopedPage {
  readonly siteId?: SiteId | undefined
  /** Null: those at the top. */
  readonly parentId?: AssetId | null | undefined
}

export interface AssetQueries {
  get(id: AssetId): Promise<AssetRecord | undefined>
  list(query: AssetList): Promise<Page<AssetRecord>>
}

export interface AssetWrites {
  create(input: AssetInput): Promise<AssetRecord>
  /** `invalid_input` when the new parent is the asset itself or below it, of another site, or deeper than 32 levels. */
  update(id: AssetId, patch: AssetPatch): Promise<AssetRecord>
  /** `conflict` while it has children or devices. */
  remove(id: AssetId): Promise<void>
}

export interface ProfileQueries {
  get(id: ProfileId): Promise<ProfileRecord | undefined>
  list(query: PageRequest): Promise<Page<ProfileRecord>>
}

export interface ProfileWrites {
  create(input: ProfileInput): Promise<ProfileRecord>
  /** `conflict` when a metric that has series would change its kind or vanish. */
  update(id: ProfileId, patch: ProfilePatch): Promise<ProfileRecord>
  /** `conflict` while it has devices or series. */
  remove(id: ProfileId): Promise<void>
}

export interface DeviceList extends ScopedPage {
  readonly siteId?: SiteId | undefined
  readonly assetId?: AssetId | undefined
  readonly profileId?: ProfileId | undefined
  readonly gatewayId?: DeviceId | undefined
  /** Only those that are in quarantine, or that are not. */
  readonly quarantined?: boolean | undefined
}

export interface DeviceQueries {
  get(id: DeviceId): Promise<DeviceRecord | undefined>
  list(query: DeviceList): Promise<Page<DeviceRecord>>
  count(scope: SiteScope): Promise<number>
}

export interface DeviceWrites {
  /** Hands out the device's number; a number is never given twice, not even after its device is gone. */
  create(input: DeviceInput): Promise<DeviceRecord>
  update(id: DeviceId, patch: DevicePatch): Promise<DeviceRecord>
  /** Puts it into quarantine, in the name of who makes the change. `conflict` when it is there already. */
  quarantine(id: DeviceId, reason: string): Promise<DeviceRecord>
  /** `conflict` when it is in no quarantine. */
  release(id: DeviceId): Promise<DeviceRecord>
  /** Takes its tokens along; its series and readings stay. `conflict` while it is the gateway of others. */
  remove(id: DeviceId): Promise<void>
}

export interface SeriesList extends PageRequest<SeriesId> {
  readonly deviceNumber?: number | undefined
}

/** A series as a list by devices shows it. */
export interface SiteSeries {
  readonly seriesId: SeriesId
  readonly metric: MetricName
  readonly deviceId: DeviceId
  /** Of the device as it is now. */
  readonly profileId: ProfileId
}

export interface SiteSeriesList extends PageRequest<SiteSeriesPlace> {
  readonly siteId: SiteId
  /** Of these only; undefined: of all. */
  readonly metrics?: readonly MetricName[] | undefined
  readonly assetId?: AssetId | undefined
  readonly profileId?: ProfileId | undefined
}

/** The last one of a page. */
export interface SiteSeriesPlace {
  readonly device: string
  readonly metric: string
}

export interface HighestNumbers {
  readonly device: number
  readonly series: SeriesId
}

/** Series ids are machine's work: no audit, no control frame, never removed. Safe from several threads at once. */
export interface SeriesRegistry {
  /** The series of each request, made where there is none; index i answers requests[i]. Durable when it resolves. */
  ensure(requests: readonly Omit<SeriesInfo, 'seriesId'>[]): Promise<readonly SeriesInfo[]>
  get(id: SeriesId): Promise<SeriesInfo | undefined>
  find(deviceNumber: number, metric: MetricName): Promise<SeriesInfo | undefined>
  /** Ascending by series id. */
  list(query: SeriesList): Promise<Page<SeriesInfo, SeriesId>>
  /** Those of the devices that are in the site now, by device and metric. */
  ofSite(query: SiteSeriesList): Promise<Page<SiteSeries, SiteSeriesPlace>>
  /** The numbers handed out last, to devices and to series, of which some may be gone; 0: none was. */
  highest(): Promise<HighestNumbers>
}

export interface CredentialQueries {
  /** The credential of a token that is neither expired, replaced nor revoked. Reads only. */
  verify(token: string): Promise<VerifiedCredential | undefined>
  /** Whether it is, or once was, a secret of anybody. */
  isKnown(token: string): Promise<boolean>
  getKey(id: KeyId): Promise<ApiKeyWithSecrets | undefined>
  /** All keys, revoked and expired ones too. */
  listKeys(query: PageRequest): Promise<Page<ApiKeyWithSecrets>>
  /** The device's tokens that are neither revoked nor expired, the oldest first; two at most. */
  deviceTokens(deviceId: DeviceId): Promise<readonly DeviceTokenRecord[]>
  /** Of the device, the newest first. */
  revokedCertificates(deviceId: DeviceId): Promise<readonly RevokedCertificate[]>
  isCertificateRevoked(deviceId: DeviceId, fingerprint: string): Promise<boolean>
}

export interface CredentialWrites {
  /** `conflict` when the device has two already: an old and a new one is all that a rotation needs. */
  issueDeviceToken(deviceId: DeviceId): Promise<Issued<DeviceTokenRecord>>
  /**
   * A new token at once; those before end when `overlapMs` is over (0: now). `conflict` when the device has two already
   * and they are to overlap with a third.
   */
  rotateDeviceToken(deviceId: DeviceId, overlapMs: number): Promise<Issued<DeviceTokenRecord>>
  revokeDeviceToken(deviceId: DeviceId, tokenId: string): Promise<void>
  /** `conflict` when it is already, or when the device has 100 of them. */
  revokeCertificate(deviceId: DeviceId, fingerprint: string): Promise<RevokedCertificate>
  /** It is good again, if its authority is. */
  restoreCertificate(deviceId: DeviceId, fingerprint: string): Promise<void>
  /** With `token` that text becomes the key instead of a random one (an operator's bootstrap key). */
  issueKey(input: ApiKeyInput, token?: string): Promise<Issued<ApiKeyWithSecrets>>
  /**
   * A new secret at once, under the same id; the one before ends when `overlapMs` is over (0: now). `conflict` for a key
   * that has ended, or while a rotation before still overlaps and this one is to overlap as well.
   */
  rotateKey(id: KeyId, overlapMs: number): Promise<Issued<ApiKeyWithSecrets>>
  revokeKey(id: KeyId): Promise<void>
}

/** When secrets were used: machine's work, without audit and control frames, gathered by the caller and told in bulk. */
export interface CredentialUses {
  /** Later uses than those that are known are kept; of secrets that have gone nothing is. */
  record(uses: readonly SecretUse[]): Promise<void>
}

export interface PersonQueries {
  get(id: string): Promise<PersonRecord | undefined>
  findByEmail(email: string): Promise<PersonRecord | undefined>
  list(query: PageRequest): Promise<Page<PersonRecord>>
}

/**
 * An admin of all sites who can sign in stays: `conflict` for field `role` when the last one would be removed, disabled,
 * demoted or limited.
 */
export interface PersonWrites {
  create(input: PersonInput): Promise<PersonRecord>
  /** Who is disabled is signed out everywhere, and their links are worth nothing. */
  update(id: string, patch: PersonPatch): Promise<PersonRecord>
  remove(id: string): Promise<void>
}

/** The platform's own memory of single facts, for instance that the first start is done. */
export interface SettingQueries {
  get(name: string): Promise<string | undefined>
}

export interface SettingWrites {
  set(name: string, value: string): Promise<void>
}

/** Control frames on their way from state to the log. */
export interface ControlOutbox {
  /** The oldest first, in the order their changes were committed. */
  pending(limit: number): Promise<readonly PendingControl[]>
  /** They are in the log. */
  done(ids: readonly number[]): Promise<void>
}

export interface RejectedList extends PageRequest<TimeCursor> {
  readonly scope: SiteScope
  readonly order: 'ascending' | 'descending'
  readonly deviceId?: DeviceId | undefined
  readonly reason?: string | undefined
  readonly siteId?: SiteId | undefined
  /** [fromMs, toMs). */
  readonly fromMs?: number | undefined
  readonly toMs?: number | undefined
}

/** How far each consumer of the log has come with its effects on state, and what those effects list. */
export interface Ledger {
  /** 0 for a consumer that never committed. */
  position(consumer: string): Promise<LogPosition>
  /**
   * The rejected rows and the position they reach to, in one transaction; durable when it resolves. The position that
   * was committed last changes nothing (its caller did not hear of it), an earlier one is a `conflict`: a row cannot be
   * listed twice.
   */
  commit(consumer: string, position: LogPosition, rejected: readonly RejectedRow[]): Promise<void>
  rejected(query: RejectedList): Promise<Page<RejectedRecord, TimeCursor>>
  /** Behind the row of that number, in the order of the numbers, which is that of the commits; over all sites. */
  rejectedNews(query: { readonly after: number; readonly limit: number }): Promise<readonly RejectedRecord[]>
  /** `listed`: rows there now, `total`: rows ever; beyond the bound the oldest have made room. */
  rejectedCount(): Promise<{ readonly listed: number; readonly total: number }>
}
