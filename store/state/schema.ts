import type { Kysely, Transaction } from 'kysely'
import type { AssetId, DeviceId, MetricName, Principal, ProfileId, Role, SeriesId, SiteId } from '../../model/index.ts'
import type { AssetKind, CredentialRecord, Language } from './records.ts'

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
  }
  people: {
    id: string
    name: string
    email: string
    email_folded: string
    language: Language
    time_zone: string | null
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
  }
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
}

/** What queries run on: the database itself, or one transaction of it. */
export type Db = Kysely<StateSchema>
export type Tx = Transaction<StateSchema>
