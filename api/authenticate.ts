import { type DeviceId, type Principal, roleIncludes } from '../model/index.ts'
import type { PersonRecord, SessionRecord, State } from '../store/state/index.ts'
import type { Accounts, Caller } from './auth/accounts.ts'
import type { PageOrigin } from './auth/origin.ts'
import { personPrincipal } from './auth/person-actor.ts'
import type { SessionCookie } from './auth/session-cookie.ts'
import { isForOneVisit, renewalsPerLife } from './auth/terms.ts'
import type { ApiConfig } from './config.ts'
import { HttpProblem } from './problem.ts'
import { type OwnPolicy, type Policy, scopesOf } from './route.ts'

/** A principal, and what its credential is narrowed to. */
export interface Authenticated {
  readonly principal: Principal
  /** Empty: not narrowed. */
  readonly scopes: readonly string[]
  /** Null: it is a key. */
  readonly session: SessionRecord | null
  /** Whether they have to enable a second factor before they may do anything else. */
  readonly needsSecondFactor: boolean
  /** To be set with the answer, for the session lives on. */
  readonly cookies: readonly string[]
}

export interface AuthenticateRequest extends Caller {
  readonly authorization: string | undefined
  /** Whether it may change something. */
  readonly unsafe: boolean
  readonly page: PageOrigin
  /** Whether the token of a device is good for it. */
  readonly devices?: boolean
  /** Looked at again while an answer goes on: that is no sign of the person, and its session is not renewed. */
  readonly again?: boolean
}

export interface AuthenticateDeps {
  readonly state: Pick<State, 'credentials' | 'accounts' | 'people'>
  readonly accounts: Pick<Accounts, 'renew'>
  readonly sessionCookie: SessionCookie
  readonly sessionMs: number
  /** Of whom a second factor is demanded. */
  readonly secondFactor: ApiConfig['secondFactor']
  readonly now: () => number
}

export type Authenticate = (request: AuthenticateRequest) => Promise<Authenticated>

/** However much it is used: then the password is asked for again. */
const maxSessionMs = 30 * 86_400_000

const challenge = { 'www-authenticate': 'Bearer realm="pelbiot"' }

/** A key before a session: who sends one means it. */
export function createAuthenticate(deps: AuthenticateDeps): Authenticate {
  return async (request) => {
    if (request.authorization !== undefined) return byToken(request, request.authorization, deps.state.credentials)
    if (deps.sessionCookie.isIn(request)) return bySession(request, deps)
    throw new HttpProblem(
      'unauthenticated',
      'this route needs the header Authorization: Bearer KEY, or the session of somebody who is signed in',
      { headers: challenge },
    )
  }
}

const program = { session: null, needsSecondFactor: false, cookies: [] } as const

/** RFC 6750; the same answer for a key that is wrong, expired or revoked, and for the token of a device where it opens nothing. */
async function byToken(
  { devices = false }: Pick<AuthenticateRequest, 'devices'>,
  authorization: string,
  credentials: Pick<State['credentials'], 'verify'>,
): Promise<Authenticated> {
  const token = /^bearer +([\x21-\x7e]{1,512})$/i.exec(authorization)?.[1]
  const credential = token === undefined ? undefined : await credentials.verify(token)
  if (devices && credential?.kind === 'device-token')
    return { ...program, principal: devicePrincipal(credential.deviceId), scopes: [] }
  if (credential?.kind !== 'api-key')
    throw new HttpProblem('unauthenticated', 'the key is unknown, expired or revoked', {
      headers: { 'www-authenticate': `${challenge['www-authenticate']}, error="invalid_token"` },
    })
  const { id, role, sites, scopes } = credential
  return { ...program, principal: { kind: 'key', id, role, sites }, scopes }
}

/** Neither its role nor its sites open anything; what it may do, the route says. */
function devicePrincipal(id: DeviceId): Principal {
  return { kind: 'device', id, role: 'viewer', sites: [] }
}

/** Session and person are read each time: what was taken away is away at once. */
async function bySession(request: AuthenticateRequest, deps: AuthenticateDeps): Promise<Authenticated> {
  const { state, sessionCookie } = deps
  const token = await sessionCookie.tokenOf(request)
  const session = token === undefined ? undefined : await state.accounts.findSession(token)
  const person = session && (await state.people.get(session.personId))
  const tooOld = session !== undefined && session.createdMs + maxSessionMs <= deps.now()
  if (session === undefined || tooOld || person === undefined || person.disabledMs !== null)
    throw new HttpProblem('unauthenticated', 'this session is over; sign in again', { headers: challenge })
  if (request.unsafe && request.page !== 'own')
    throw new HttpProblem('forbidden', 'a session is only good for requests of pages of this platform (Origin)')
  const cookies = request.again === true ? [] : await renewed(request, session, deps)
  const needsSecondFactor = lacksSecondFactor(person, deps.secondFactor)
  return { principal: personPrincipal(person), scopes: [], session, needsSecondFactor, cookies }
}

/** Who has no password comes in by a provider, whose business it is. */
function lacksSecondFactor(
  { role, signInWays, hasSecondFactor }: PersonRecord,
  demandedOf: ApiConfig['secondFactor'],
): boolean {
  const isDemanded = demandedOf === 'everyone' || (demandedOf === 'admins' && role === 'admin')
  return isDemanded && !hasSecondFactor && signInWays.includes('password')
}

async function renewed(caller: Caller, session: SessionRecord, deps: AuthenticateDeps): Promise<readonly string[]> {
  const { accounts, sessionMs, now } = deps
  const due = session.expiresMs - now() < sessionMs - sessionMs / renewalsPerLife
  return due && !isForOneVisit(session) ? accounts.renew(caller, sessionMs) : []
}

type Asker = Pick<Authenticated, 'principal' | 'scopes' | 'needsSecondFactor'>

export function mayCall(who: Asker, policy: Policy): boolean {
  try {
    authorise(who, policy)
    return true
  } catch {
    return false
  }
}

/** Returns when the policy lets the principal in; a 403 problem says what is missing. */
export function authorise({ principal, scopes, needsSecondFactor }: Asker, policy: Policy | OwnPolicy): void {
  if (needsSecondFactor && !('for' in policy && policy.withoutSecondFactor === true))
    throw new HttpProblem(
      'second_factor_needed',
      'a second factor is demanded of you here: enable one first (POST /api/v1/auth/totp)',
    )
  if ('for' in policy) {
    if (policy.for === 'person' && principal.kind !== 'person')
      throw new HttpProblem('forbidden', 'this is for people who are signed in, not for keys')
    return
  }
  if (principal.kind === 'device') {
    if (policy.devices !== 'own') throw new HttpProblem('forbidden', 'this is not for devices')
    return
  }
  if (!roleIncludes(principal.role, policy.role))
    throw new HttpProblem('forbidden', `this needs the role ${policy.role}; yours is ${principal.role}`)
  const needed = scopesOf(policy)
  if (scopes.length > 0 && !needed.some((scope) => scopes.includes(scope)))
    throw new HttpProblem('forbidden', `this needs a key with the scope ${needed.join(' or ')}`)
  if (policy.sites === 'every' && principal.sites !== 'all')
    throw new HttpProblem('forbidden', 'this concerns every site; your access is limited to some')
}
