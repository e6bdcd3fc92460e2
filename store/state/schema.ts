import type { Kysely, Transaction } from 'kysely'
import type {
  AlertId,
  AlertState,
  AssetId,
  DeviceId,
  Language,
  MetricName,
  Principal,
  ProfileId,
  ResolveReason,
  Role,
  RuleId,
  SeriesId,
  ServiceMeasure,
  Severity,
  SiteId,
} from '../../model/index.ts'
import type { LinkPurpose } from './account-store.ts'
import type { AlertEvent } from './alert-store.ts'
import type { DataKind } from './data-kinds.ts'
import type { AttemptOutcome, NotificationChannel, NotificationKind, NotificationState } from './notification-store.ts'
import type { AssetKind, CredentialRecord } from './records.ts'

/**
 * The tables, as every adapter answers them: times are epoch ms, numbers are safe integers, JSON is text (columns.ts
 * parses it), bytes are Uint8Array. Only SQL that SQLite and PostgreSQL share.
 */
export type StateSchema = {
  counters: { name: string; value: number }
  sites: { id: SiteId; name: string; time_zone: string; currency: string }
  profiles: { id: ProfileId; name: string; reporting_interval_ms: number; metrics: string }
  assets: {
    id: AssetId
    site_id: SiteId
    parent_id: AssetId | null
    kind: AssetKind
    name: string
    rating_kva: number | null
    rating_a: number | null
    attributes: string
    tags: string
  }
  devices: {
    number: number
    id: DeviceId
    site_id: SiteId
    profile_id: ProfileId
    asset_id: AssetId | null
    gateway_id: DeviceId | null
    name: string
    attributes: string
    tags: string
    limits: string
    quarantine: string | null
  }
  /** No foreign keys: a series outlives its device, and its readings name it for ever. */
  series: {
    id: SeriesId
    device_number: number
    device_id: DeviceId
    metric: MetricName
    profile_id: ProfileId
    known: 0 | 1
  }
  credentials: {
    id: string
    kind: CredentialRecord['kind']
    hash: Uint8Array
    device_id: DeviceId | null
    name: string | null
    role: Role | null
    sites: string | null
    scopes: string | null
    created_ms: number
    expires_ms: number | null
    revoked_ms: number | null
    /** Which of the key's secrets `hash` is: 1, and one more with each rotation. */
    secret: number
    /** When that one was made; null: with the key. */
    secret_ms: number | null
    last_used_ms: number | null
  }
  /** Client certificates that their device may not use any more. */
  revoked_certificates: { device_id: DeviceId; fingerprint: string; revoked_ms: number }
  /** Secrets that a rotation has replaced; they hold until `expires_ms`. */
  old_secrets: {
    hash: Uint8Array
    credential_id: string
    secret: number
    created_ms: number
    expires_ms: number
    last_used_ms: number | null
  }
  people: {
    id: string
    name: string
    email: string
    email_folded: string
    language: Language
    time_zone: string | null
    role: Role
    sites: string
    disabled_ms: number | null
    created_ms: number
    last_sign_in_ms: number | null
    email_verified: 0 | 1
    two_factor_enabled: 0 | 1
    updated_at: string | null
  }
  /** The account library writes the tables `auth_…`; its times are texts. Only what our own queries touch stands here. */
  auth_sessions: {
    id: string
    token: string
    person_id: string
    expires_at: string
    created_at: string
    ip_address: string | null
    user_agent: string | null
  }
  auth_accounts: {
    id: string
    account_id: string
    provider_id: string
    person_id: string
    password: string | null
    created_at: string
    updated_at: string
  }
  auth_two_factors: { id: string; person_id: string }
  auth_verifications: { id: string; value: string }
  account_links: {
    id: string
    purpose: LinkPurpose
    person_id: string | null
    created_ms: number
    expires_ms: number
  }
  settings: { name: string; value: string }
  audit: {
    id: number
    time_ms: number
    principal_kind: Principal['kind']
    principal_id: string
    action: string
    resource_type: string
    resource_id: string
    site_id: SiteId | null
    before: string | null
    after: string | null
    request_id: string | null
    address: string | null
    /** Hexadecimal; audit/chain.ts says of what. */
    previous_hash: string
    hash: string
  }
  /** One row: the last row of the audit log that retention removed, 0 and the hash that all begins with where it removed none. */
  audit_anchor: { through_id: number; hash: string; removed_ms: number | null }
  outbox: { id: number; topic: string; payload: Uint8Array }
  positions: { consumer: string; position: number }
  rejected: {
    id: number
    time_ms: number
    device_id: DeviceId | null
    site_id: SiteId | null
    client_id: string
    topic: string
    reason: string
    detail: string
    payload: Uint8Array
  }
  /** One of the three ids is set: what the rule applies to. */
  rules: {
    id: RuleId
    version: number
    device_id: DeviceId | null
    profile_id: ProfileId | null
    site_id: SiteId | null
    record: string
  }
  rule_versions: { rule_id: RuleId; version: number; record: string; created_ms: number; created_by: string }
  alerts: {
    id: AlertId
    number: number
    rule_id: RuleId
    rule_version: number
    rule_name: string
    device_id: DeviceId
    site_id: SiteId
    metric: MetricName | null
    severity: Severity
    state: AlertState
    started_ms: number
    fired_ms: number | null
    resolved_ms: number | null
    value: number | null
    evidence: string
    acknowledged_ms: number | null
    acknowledged_by: string | null
    resolve_reason: ResolveReason | null
    resolution: string | null
    root_cause: string | null
  }
  /** The rules' steps have an ordinal and a transition, people's a principal and perhaps a text. */
  alert_events: {
    id: number
    alert_id: AlertId
    ordinal: number | null
    kind: AlertEvent['kind']
    time_ms: number
    transition: string | null
    principal_kind: Principal['kind'] | null
    principal_id: string | null
    text: string | null
    root_cause: string | null
  }
  notifications: {
    id: string
    number: number
    kind: NotificationKind
    event_id: number | null
    alert_id: AlertId | null
    site_id: SiteId | null
    person_id: string | null
    link_id: string | null
    channel: NotificationChannel
    recipient: string
    state: NotificationState
    reason: string | null
    message_id: string | null
    attempts: number
    next_attempt_ms: number | null
    created_ms: number
    sent_ms: number | null
  }
  notification_attempts: {
    notification_id: string
    number: number
    time_ms: number
    provider: string
    outcome: AttemptOutcome['kind']
    code: number | null
    response: string
    latency_ms: number
  }
  notification_messages: { notification_id: string; bytes: Uint8Array }
  /** `principal` is its kind and id; `content` is sealed (repositories/answers.ts). */
  kept_answers: {
    principal: string
    key_hash: Uint8Array
    request_hash: Uint8Array
    kind: 'results' | 'answer'
    content: Uint8Array
    size_bytes: number
    created_ms: number
  }
  service_counts: {
    resolution: 'minute' | 'hour'
    measure: ServiceMeasure
    start_ms: number
    total: number
    bad: number
    steps: string
  }
  /** A kind that nobody wrote to is missing. `era` is random, and another one after each start of a platform. */
  data_versions: { kind: DataKind | 'era'; version: number }
  /** One for each process that served: from its start to its last heartbeat. */
  service_spans: { started_ms: number; last_ms: number }
}

/** What queries run on: the database itself, or one transaction of it. */
export type Db = Kysely<StateSchema>
export type Tx = Transaction<StateSchema>
