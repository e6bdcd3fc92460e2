import { maySee, type Principal, type SiteId } from '../model/index.ts'
import { badField } from './problem.ts'

/** A site that a body names: one that may not be seen is answered like one that does not exist. */
export function requireSite(principal: Principal, siteId: SiteId): void {
  if (!maySee(principal.sites, siteId)) throw badField('siteId', `${siteId} is unknown`)
}
