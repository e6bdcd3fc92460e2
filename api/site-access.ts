import { maySee, type Principal, type SiteId } from '../model/index.ts'
import { HttpProblem } from './problem.ts'

/** A site that a body names: one that may not be seen is answered like one that does not exist. */
export function requireSite(principal: Principal, siteId: SiteId): void {
  if (maySee(principal.sites, siteId)) return
  const message = `there is no site ${siteId}`
  throw new HttpProblem('invalid_input', message, { fields: [{ field: '/siteId', message }] })
}
