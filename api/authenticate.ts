import { type Principal, roleIncludes } from '../model/index.ts'
import type { State } from '../store/state/index.ts'
import { HttpProblem } from './problem.ts'
import type { Policy } from './route.ts'

/** A principal, and what its credential is narrowed to. */
export interface Authenticated {
  readonly principal: Principal
  /** Empty: not narrowed. */
  readonly scopes: readonly string[]
}

const challenge = { 'www-authenticate': 'Bearer realm="pelbiot"' }

/** RFC 6750; the same answer for a key that is wrong, expired or revoked, and for the token of a device. */
export async function authenticate(
  authorization: string | undefined,
  credentials: Pick<State['credentials'], 'verify'>,
): Promise<Authenticated> {
  if (authorization === undefined)
    throw new HttpProblem('unauthenticated', 'this route needs the header Authorization: Bearer KEY', {
      headers: challenge,
    })
  const token = /^bearer +([\x21-\x7e]{1,512})$/i.exec(authorization)?.[1]
  const credential = token === undefined ? undefined : await credentials.verify(token)
  if (credential?.kind !== 'api-key')
    throw new HttpProblem('unauthenticated', 'the key is unknown, expired or revoked', {
      headers: { 'www-authenticate': `${challenge['www-authenticate']}, error="invalid_token"` },
    })
  const { id, role, sites, scopes } = credential
  return { principal: { kind: 'key', id, role, sites }, scopes }
}

/** Returns when the policy lets the principal in; a 403 problem says what is missing. */
export function authorise({ principal, scopes }: Authenticated, policy: Policy): void {
  if (!roleIncludes(principal.role, policy.role))
    throw new HttpProblem('forbidden', `this needs the role ${policy.role}; yours is ${principal.role}`)
  if (scopes.length > 0 && !scopes.includes(policy.scope))
    throw new HttpProblem('forbidden', `this needs a key with the scope ${policy.scope}`)
  if (policy.sites === 'every' && principal.sites !== 'all')
    throw new HttpProblem('forbidden', 'this concerns every site; your access is limited to some')
}
