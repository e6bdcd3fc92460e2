import type { Principal, SiteId, SiteScope } from '../../model/index.ts'
import type { Page, PageRequest, TimeCursor } from './page.ts'

export interface AuditRecord {
  /** 1, 2, …, without a gap. */
  readonly id: number
  readonly timeMs: number
  readonly principalKind: Principal['kind']
  readonly principalId: string
  /** `device.create`, `site.update`, `api-key.revoke`, … */
  readonly action: string
  readonly resourceType: string
  readonly resourceId: string
  /** Null: concerns no single site, so only those who may see all of them see it. */
  readonly siteId: SiteId | null
  /** The record before and after, secrets masked; null where there is none. */
  readonly before: unknown
  readonly after: unknown
  readonly requestId: string | null
  readonly address: string | null
  /** Hexadecimal SHA-256; docs/audit.md says of what. */
  readonly previousHash: string
  readonly hash: string
}

export interface AuditList extends PageRequest<TimeCursor> {
  readonly scope: SiteScope
  readonly siteId?: SiteId | undefined
  readonly resourceType?: string | undefined
  readonly resourceId?: string | undefined
  readonly principalKind?: Principal['kind'] | undefined
  readonly principalId?: string | undefined
  readonly action?: string | undefined
  /** Somewhere in what a row says, the records before and after among it; capitals of A to Z do not count. */
  readonly text?: string | undefined
  /** [fromMs, toMs). */
  readonly fromMs?: number | undefined
  readonly toMs?: number | undefined
}

/** A place in the chain that is worth writing down: whoever has it can tell later whether all up to it is as it was. */
export interface AuditCheckpoint {
  readonly id: number
  readonly hash: string
}

export interface AuditComparison {
  /** Newest rows of earlier times. Those that retention has removed are passed over. */
  readonly recorded: readonly AuditCheckpoint[]
  /** The hash of a row that has to be there. */
  readonly expected: string | undefined
}

export const auditFaultKinds = ['changed', 'missing', 'reordered', 'inserted'] as const

/** The first thing that is wrong. */
export interface AuditFault {
  readonly what: (typeof auditFaultKinds)[number]
  /** Of the row; of one that is missing the number it had, null where that is not known. */
  readonly id: number | null
  readonly detail: string
}

export type AuditStep =
  | { readonly kind: 'progress'; readonly checked: number; readonly total: number }
  | {
      readonly kind: 'verdict'
      /** Rows that are whole and in their place. */
      readonly checked: number
      /** The rows up to this number retention has removed; 0: none. */
      readonly removedThrough: number
      /** The newest row that is whole. */
      readonly head: AuditCheckpoint
      readonly fault: AuditFault | null
    }

export interface AuditQueries {
  /**
   * The newest first. One call looks at some thousand rows at most, so a page of a search may have fewer items than its
   * limit, even none, while there is a next one.
   */
  list(query: AuditList): Promise<Page<AuditRecord, TimeCursor>>
  /** The newest row. */
  head(): Promise<AuditCheckpoint>
  /** Computes the chain anew; progress some thousand rows apart, then one verdict. */
  verify(comparison: AuditComparison): AsyncIterable<AuditStep>
}
