import type { StateSchema } from './schema.ts'

/** What answers are made of, and kept until it changes; `access` says who may see them. */
export const dataKinds = ['inventory', 'series', 'alerts', 'service', 'access'] as const
export type DataKind = (typeof dataKinds)[number]

/** What each table is a part of; null: of nothing that answers are kept about. */
const kinds: Readonly<Record<keyof StateSchema, DataKind | null>> = {
  sites: 'inventory',
  assets: 'inventory',
  profiles: 'inventory',
  devices: 'inventory',
  rules: 'inventory',
  rule_versions: 'inventory',
  series: 'series',
  alerts: 'alerts',
  alert_events: 'alerts',
  service_counts: 'service',
  service_spans: 'service',
  auth_sessions: 'access',
  credentials: 'access',
  old_secrets: 'access',
  people: 'access',
  account_links: null,
  audit: null,
  audit_anchor: null,
  auth_accounts: null,
  auth_two_factors: null,
  auth_verifications: null,
  counters: null,
  data_versions: null,
  kept_answers: null,
  notification_attempts: null,
  notification_messages: null,
  notifications: null,
  outbox: null,
  positions: null,
  rejected: null,
  revoked_certificates: null,
  settings: null,
}

/** Undefined: a table that only the account library or the migrator knows. */
export const kindOfTable: ReadonlyMap<string, DataKind | null> = new Map(Object.entries(kinds))
