import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { Clock } from '../../model/index.ts'
import type { Redis } from '../../store/redis/index.ts'
import type { State } from '../../store/state/index.ts'
import { type Authenticate, createAuthenticate } from '../authenticate.ts'
import type { Changes } from '../changes.ts'
import type { ApiConfig } from '../config.ts'
import { type Accounts, createAccounts } from './accounts.ts'
import type { LibraryConfig, LibraryDeps } from './better-auth.ts'
import { createAskLibrary } from './library.ts'
import { createLinks, type Links } from './links.ts'
import { createOidc, noOidc, type Oidc } from './oidc.ts'
import { createPasswordWork } from './password-work.ts'
import { createSessionCookie, type SessionCookie } from './session-cookie.ts'
import { createSignIns, type SignIns } from './sign-in.ts'
import { createThrottle, type Throttle } from './throttle.ts'

/** How people come in. */
export interface PeopleAccess {
  readonly accounts: Accounts
  readonly signIns: SignIns
  readonly links: Links
  readonly oidc: Oidc
  readonly throttle: Throttle
  readonly authenticate: Authenticate
}

export interface PeopleAccessDeps {
  readonly state: State
  readonly changes: Changes
  readonly accountSecret: Uint8Array
  readonly redis?: Redis | undefined
  readonly metrics: Registry
  readonly logger: Logger
  readonly clock: Clock
}

const dayMs = 86_400_000

export function createPeopleAccess(config: ApiConfig, deps: PeopleAccessDeps): PeopleAccess {
  const { state, changes, logger, clock } = deps
  const publicUrl = config.publicUrl ?? null
  const secret = Buffer.from(deps.accountSecret).toString('hex')
  const base = { publicUrl, sessionDays: config.sessionDays, secret }
  const libraryDeps: LibraryDeps = {
    tables: state.accountTables,
    logger,
    async maySignIn(personId) {
      const person = await state.people.get(personId)
      return person !== undefined && person.disabledMs === null
    },
  }
  // Two of it: one that waits for a provider must not hold up who has a password.
  const ask = createAskLibrary({ ...base, oidc: null }, libraryDeps)
  const sessionCookie = createSessionCookie(secret)
  const oidc = oidcOf(config, { base, libraryDeps, state, sessionCookie })
  const throttle = createThrottle(deps.redis)
  const accounts = createAccounts({
    ask,
    passwordWork: createPasswordWork(),
    sessions: state.accounts,
    sessionCookie,
    clock,
  })
  const signIns = createSignIns({
    accounts,
    throttle,
    sessionCookie,
    state,
    changes,
    logger,
    registry: deps.metrics,
  })
  const authenticate = createAuthenticate({
    state,
    accounts,
    sessionCookie,
    sessionMs: config.sessionDays * dayMs,
    secondFactor: config.secondFactor,
    now: () => clock.now(),
  })
  const links = createLinks({ state, accounts, changes, throttle, logger, canMail: publicUrl !== null })
  return { accounts, signIns, links, oidc, throttle, authenticate }
}

interface OidcParts {
  readonly base: Omit<LibraryConfig, 'secureCookies' | 'oidc'>
  readonly libraryDeps: LibraryDeps
  readonly state: Pick<State, 'accounts'>
  readonly sessionCookie: SessionCookie
}

function oidcOf({ oidc }: ApiConfig, { base, libraryDeps, state, sessionCookie }: OidcParts): Oidc {
  if (oidc === undefined || base.publicUrl === null) return noOidc
  const { issuer, clientId, clientSecret, name } = oidc
  const redirectUri = `${base.publicUrl.replace(/\/+$/, '')}/api/v1/auth/oidc/callback`
  const ask = createAskLibrary({ ...base, oidc: { issuer, clientId, clientSecret, redirectUri } }, libraryDeps)
  return createOidc({ ask, issuer, name, sessions: state.accounts, sessionCookie })
}
