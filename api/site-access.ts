import { type Access, type DeviceId, type DeviceRecord, maySee, type SiteId } from '../model/index.ts'
import type { State } from '../store/state/index.ts'
import { badField, HttpProblem } from './problem.ts'

/**
 * What belongs to a site that the principal may not see is as if it did not exist. What belongs to none is for those who may see
 * them all.
 */
export function visible<Record extends { readonly siteId: SiteId | null }>(
  principal: Access,
  record: Record | undefined,
): Record | undefined {
  if (record === undefined) return undefined
  const seen = record.siteId === null ? principal.sites === 'all' : maySee(principal.sites, record.siteId)
  return seen ? record : undefined
}

/** The record, or a 404 problem that names what was asked for. */
export function found<Record>(record: Record | undefined, noun: string, id: string): Record {
  if (record === undefined) throw new HttpProblem('not_found', `there is no ${noun} ${id}`)
  return record
}

/** The device that a path names, or a 404 problem. */
export async function seenDevice(devices: State['devices'], principal: Access, id: DeviceId): Promise<DeviceRecord> {
  return found(visible(principal, await devices.get(id)), 'device', id)
}

/** A site that a body names: one that may not be seen is answered like one that does not exist. */
export function requireSite(principal: Access, siteId: SiteId): void {
  if (!maySee(principal.sites, siteId)) throw badField('siteId', `${siteId} is unknown`)
}
