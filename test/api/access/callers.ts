import { type Scope, scopes } from '../../../api/scopes.ts'
import { maySee, type Role, roleIncludes, roles, type SiteScope } from '../../../model/index.ts'
import type { Policy } from '../contract.ts'
import { type Harness, startMs } from '../harness.ts'
import type { Example } from './examples.ts'
import { type Place, places, siteOf } from './world.ts'

/** Somebody who calls, with what the policies look at; without a role it is nobody. */
export interface Caller {
  readonly name: string
  readonly key: string | null
  /** Of a person who is signed in. */
  readonly cookie?: string
  readonly role?: Role
  readonly sites?: SiteScope
  /** It is a device, of neither place. */
  readonly isDevice?: boolean
  /** Undefined: its key is not narrowed. */
  readonly scopes?: readonly Scope[]
}

/** Each role on each set of sites, and everybody whom nothing opens to. */
export async function createCallers(api: Harness): Promise<Caller[]> {
  const callers: Caller[] = []
  for (const role of roles)
    for (const place of ['all', ...places] as const) {
      const sites = place === 'all' ? place : [siteOf(place)]
      callers.push({ name: `${role} of ${place}`, key: await api.issueKey({ role, sites }), role, sites })
    }

  for (const [role, place] of [
    ['viewer', 'here'],
    ['operator', 'all'],
    ['admin', 'here'],
  ] as const) {
    const sites = place === 'all' ? place : [siteOf(place)]
    const { cookie } = await api.signIn({ role, sites })
    callers.push({ name: `${role} of ${place}, signed in`, key: null, cookie, role, sites })
  }

  const token = (await api.post('/api/v1/devices', { id: 'a-device', profileId: 'meter-1ph' })).body.token
  const revoked = await api.post('/api/v1/keys', { name: 'revoked', role: 'admin' })
  await api.request('DELETE', `/api/v1/keys/${revoked.body.id}`)
  const expired = await api.issueKey({ role: 'admin', expiresMs: startMs - 1 })
  const nobodies = { anonymous: null, 'a revoked key': revoked.body.key, 'an expired key': expired }
  const device = { name: 'a device', key: token, isDevice: true }
  return [...callers, device, ...Object.entries(nobodies).map(([name, key]) => ({ name, key }))]
}

/** Admins of all sites whose keys are narrowed: to the scope (and what their calls hand on), and to all others. */
export async function narrowedTo(api: Harness, needed: readonly Scope[]): Promise<Caller[]> {
  const keyOf = async (name: string, narrow: Scope[]): Promise<Caller> => {
    const key = await api.issueKey({ role: 'admin', scopes: narrow })
    return { name, key, role: 'admin', sites: 'all', scopes: narrow }
  }
  return [
    await keyOf(`admin narrowed to ${needed}`, [...needed, 'sites:read']),
    await keyOf(
      `admin without ${needed}`,
      scopes.filter((one) => !needed.includes(one)),
    ),
  ]
}

const statusOf = { hidden: 404, refused: 422, empty: 200 } as const

/** What the policy says that a caller gets who calls an operation for things of `place`. */
export function expectedStatus(
  policy: Policy,
  { cookie, role, sites, isDevice, scopes: narrow }: Caller,
  example: Example,
  place: Place,
): number {
  if (policy === 'public') return example.status
  // It may call for itself alone.
  if (isDevice === true && 'devices' in policy) return statusOf.hidden
  if (role === undefined || sites === undefined) return 401
  if ('for' in policy) return policy.for === 'person' && cookie === undefined ? 403 : example.status
  if (!roleIncludes(role, policy.role)) return 403
  if (narrow !== undefined && !policy.scope.some((scope) => narrow.includes(scope))) return 403
  if (narrow !== undefined && example.narrowed !== undefined) return example.narrowed
  if (policy.sites === 'every') return sites === 'all' ? example.status : 403
  const { elsewhere = 'hidden' } = example
  if (elsewhere === 'shared' || maySee(sites, siteOf(place))) return example.status
  return statusOf[elsewhere]
}
