import type { SiteId } from './ids.ts'

export const roles = ['viewer', 'operator', 'admin'] as const
export type Role = (typeof roles)[number]

/** Sites someone may see: all of them, or these. */
export type SiteScope = 'all' | readonly SiteId[]

export const principalKinds = ['person', 'key', 'device', 'platform'] as const

/** Whoever acts: a person, a program (API key), a device, or the platform itself. */
export interface Principal {
  readonly kind: (typeof principalKinds)[number]
  readonly id: string
  readonly role: Role
  readonly sites: SiteScope
}

/** What somebody may see and do, whoever they are. */
export type Access = Pick<Principal, 'role' | 'sites'>

export function roleIncludes(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed)
}

export function maySee(scope: SiteScope, site: SiteId): boolean {
  return scope === 'all' || scope.includes(site)
}
