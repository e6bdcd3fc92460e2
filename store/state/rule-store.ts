import type { DeviceId, ProfileId, RuleId, RuleRecord, SiteId } from '../../model/index.ts'
import type { Page, PageRequest, ScopedPage } from './page.ts'
import type { Patch } from './records.ts'

/** Without an id it gets one. */
export type RuleInput = Omit<RuleRecord, 'id' | 'version'> & { readonly id?: RuleId | undefined }
export type RulePatch = Patch<Omit<RuleRecord, 'id' | 'version'>>

/** One version of a rule, and who made it. */
export interface RuleVersion {
  readonly record: RuleRecord
  readonly createdMs: number
  /** The principal's id. */
  readonly createdBy: string
}

export interface RuleList extends ScopedPage {
  /** Those that name the device, the profile or the site themselves. */
  readonly deviceId?: DeviceId | undefined
  readonly profileId?: ProfileId | undefined
  readonly siteId?: SiteId | undefined
}

/** A rule of a profile watches devices of every site, so everybody sees it. */
export interface RuleQueries {
  /** In its version in force. */
  get(id: RuleId): Promise<RuleRecord | undefined>
  /** The site that a rule of a device or a site belongs to; null: a profile's, of all sites. */
  siteOf(rule: RuleRecord): Promise<SiteId | null>
  list(query: RuleList): Promise<Page<RuleRecord>>
  /** The newest first; also of a rule that was removed. */
  versions(query: RuleVersionList): Promise<Page<RuleVersion, number>>
  version(id: RuleId, version: number): Promise<RuleVersion | undefined>
}

export interface RuleVersionList extends PageRequest<number> {
  readonly id: RuleId
}

/** Each makes a version that never changes; what it applies to must exist. Whether its condition makes sense, rules say. */
export interface RuleWrites {
  create(input: RuleInput): Promise<RuleRecord>
  /** The next version; a patch that changes nothing makes none. */
  update(id: RuleId, patch: RulePatch): Promise<RuleRecord>
  /** The next version, equal to an earlier one but for its number. `not_found` without that one. */
  restore(id: RuleId, version: number): Promise<RuleRecord>
  /** Its versions stay, and their numbers go on should an equal id come again. */
  remove(id: RuleId): Promise<void>
}
