import { parse } from 'hono/utils/cookie'
import { AppError, type Clock } from '../../model/index.ts'
import type { AccountQueries, SessionRecord, SignInMethod } from '../../store/state/index.ts'
import { badField, HttpProblem } from '../problem.ts'
import type { Library } from './better-auth.ts'
import { headersOf } from './caller-headers.ts'
import { refuseKnownPassword } from './known-passwords.ts'
import { type AskLibrary, LibraryRefusal } from './library.ts'
import { hashPassword, type PasswordWork } from './password-work.ts'
import { hashRecoveryCode } from './recovery-codes.ts'
import type { CookieBearer, SessionCookie } from './session-cookie.ts'
import { isForOneVisit } from './terms.ts'

/** Who asks, as far as the account library may know. */
export interface Caller extends CookieBearer {
  readonly address: string | null
  readonly userAgent: string | null
}

export interface SignedIn {
  readonly kind: 'signed-in'
  readonly personId: string
  readonly sessionId: string
  readonly method: SignInMethod
  readonly cookies: readonly string[]
}

export type SignInOutcome =
  | SignedIn
  /** The password was right, and a code is asked for; the cookies say so. */
  | { readonly kind: 'second-factor'; readonly cookies: readonly string[] }
  /**
   * `over`: a new sign-in has to begin with the password. `used`: likewise, for the code was right, and was used before. `locked`:
   * too many wrong codes for this account. `whose`: of a code, the person whose password was right.
   */
  | {
      readonly kind: 'refused'
      readonly why: 'wrong' | 'used' | 'over' | 'locked'
      readonly whose?: string | undefined
    }

export interface PasswordSignIn {
  readonly email: string
  readonly password: string
  /** Whether the session outlives the browser. */
  readonly remember: boolean
}

export interface NewSecondFactor {
  /** `otpauth://totp/…`, for a QR code. */
  readonly uri: string
  readonly recoveryCodes: readonly string[]
}

export interface SessionChange {
  /** Undefined: the session is the one that it was. */
  readonly sessionId: string | undefined
  readonly cookies: readonly string[]
}

export type CodeKind = 'totp' | 'recovery-code'

/** What the account library does for us, in our words. Whoever may call a function is checked before. */
export interface Accounts {
  signIn(caller: Caller, input: PasswordSignIn): Promise<SignInOutcome>
  /** The second step of a sign-in. A code is good once. */
  confirmSignIn(caller: Caller, kind: CodeKind, code: string): Promise<SignInOutcome>
  /** Ends the caller's session; resolves with cookies that remove theirs. */
  signOut(caller: Caller): Promise<readonly string[]>
  /** Lets the caller's session live on, from now; resolves with its cookie, or with none when it has ended meanwhile. */
  renew(caller: Caller, lifeMs: number): Promise<readonly string[]>
  /** Of a password that somebody has chosen; one that guessers know is an `invalid_input`. */
  hashPassword(password: string): Promise<string>
  /** A secret for an authenticator app; it counts once a code of it was confirmed. */
  beginSecondFactor(caller: Caller, password: string): Promise<NewSecondFactor>
  /** The caller's session is replaced by another. */
  confirmSecondFactor(caller: Caller, code: string): Promise<SessionChange>
  endSecondFactor(caller: Caller, password: string): Promise<SessionChange>
  /** The ones before are worth nothing then. */
  newRecoveryCodes(caller: Caller, password: string): Promise<readonly string[]>
  /** Whether it is the password of whoever the session belongs to. */
  isOwnPassword(caller: Caller, password: string): Promise<boolean>
}

interface CodeVerified {
  readonly token: string
  readonly user: { readonly id: string }
}

export interface AccountsDeps {
  readonly ask: AskLibrary
  readonly passwordWork: PasswordWork
  readonly sessions: Pick<AccountQueries, 'findSession'>
  readonly sessionCookie: SessionCookie
  readonly clock: Clock
}

const wrong: ReadonlySet<string> = new Set([
  'INVALID_EMAIL_OR_PASSWORD',
  'INVALID_EMAIL',
  // Somebody who is disabled: nothing tells them from anybody else.
  'FAILED_TO_CREATE_SESSION',
  'INVALID_CODE',
  'INVALID_BACKUP_CODE',
])
const over: ReadonlySet<string> = new Set(['INVALID_TWO_FACTOR_COOKIE', 'TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE'])

/** Ours, among the library's. */
const usedCode = 'USED_CODE'

/** A code is right in its own half minute, and in the one before and after. */
const codeLifeMs = 120_000

export function createAccounts({ ask, passwordWork, sessions, sessionCookie, clock }: AccountsDeps): Accounts {
  /** RFC 6238, section 5.2; the library does not do it. The session that it made has not been shown to anybody yet. */
  async function refuseUsedCode(library: Library, made: CodeVerified, code: string): Promise<void> {
    if (await isFreshCode(library, made.user.id, code)) return
    await (await library.$context).internalAdapter.deleteSession(made.token)
    throw new LibraryRefusal(usedCode)
  }

  async function isFreshCode(library: Library, personId: string, code: string): Promise<boolean> {
    const { internalAdapter } = await library.$context
    const expiresAt = new Date(clock.now() + codeLifeMs)
    const identifier = `totp-code:${personId}:${code}`
    return internalAdapter.reserveVerificationValue({ identifier, value: 'used', expiresAt })
  }

  /** Of a sign-in whose first step was right. */
  async function whoBegan(library: Library, caller: Caller): Promise<string | undefined> {
    const identifier = await sessionCookie.stepOf(caller)
    if (identifier === undefined) return undefined
    return (await (await library.$context).internalAdapter.findVerificationValue(identifier))?.value
  }

  /** What somebody does about their own account: a refusal is a problem for its field. */
  async function own<Result>(
    caller: Caller,
    work: (library: Library, headers: Headers) => Promise<Result>,
  ): Promise<Result> {
    try {
      return await passwordWork(() => ask(caller, (library) => work(library, headersOf(caller))))
    } catch (error) {
      throw error instanceof LibraryRefusal ? problemOf(error) : error
    }
  }

  /** Whether there was such a session. */
  function endAt(caller: Caller, token: string, timeMs: number): Promise<boolean> {
    return ask(caller, async (library) => {
      const { internalAdapter } = await library.$context
      return (await internalAdapter.updateSession(token, { expiresAt: new Date(timeMs) })) !== null
    })
  }

  async function sessionOf(bearer: CookieBearer): Promise<SessionRecord | undefined> {
    const token = await sessionCookie.tokenOf(bearer)
    return token === undefined || token === '' ? undefined : sessions.findSession(token)
  }

  /** The session that takes the place of another lives no longer than that would have: the library forgets what it was for. */
  async function changeOf(caller: Caller, before: SessionRecord | undefined, headers: Headers): Promise<SessionChange> {
    const cookies = headers.getSetCookie()
    const bearer = { cookie: cookies.map((one) => one.split(';', 1)[0]).join('; '), secure: caller.secure }
    const token = await sessionCookie.tokenOf(bearer)
    const session = await sessionOf(bearer)
    if (token !== undefined && session !== undefined && before !== undefined && isForOneVisit(before))
      await endAt(caller, token, before.expiresMs)
    return { sessionId: session?.id, cookies }
  }

  async function signedIn(token: string, method: SignInMethod, headers: Headers): Promise<SignedIn> {
    const session = await sessions.findSession(token)
    if (session === undefined) throw new AppError('internal', 'sign in failed: its session is not there')
    const { id: sessionId, personId } = session
    return { kind: 'signed-in', personId, sessionId, method, cookies: headers.getSetCookie() }
  }

  return {
    async signIn(caller, { email, password, remember }) {
      try {
        const body = { email, password, rememberMe: remember }
        const { response, headers } = await passwordWork(() =>
          ask(caller, ({ api }) => api.signInEmail({ body, headers: headersOf(caller), returnHeaders: true })),
        )
        // The second factor's hook answers in place of the endpoint, whose type does not know of it.
        if ('twoFactorRedirect' in response) return { kind: 'second-factor', cookies: headers.getSetCookie() }
        return await signedIn(response.token, 'password', headers)
      } catch (error) {
        return refusal(error)
      }
    },

    async confirmSignIn(caller, kind, code) {
      // With a session beside it the library would ask for the code of that session's person.
      const step = headersOf({ ...caller, cookie: stepCookies(caller.cookie) })
      const whose = await ask(caller, (library) => whoBegan(library, caller))
      try {
        const input = { headers: step, returnHeaders: true } as const
        const { response, headers } = await ask(caller, async (library) => {
          if (kind === 'recovery-code')
            return library.api.verifyBackupCode({ ...input, body: { code: hashRecoveryCode(code) } })
          const verified = await library.api.verifyTOTP({ ...input, body: { code } })
          await refuseUsedCode(library, verified.response, code)
          return verified
        })
        if (response.token === undefined) throw new LibraryRefusal('INVALID_TWO_FACTOR_COOKIE')
        return await signedIn(response.token, `password+${kind}`, headers)
      } catch (error) {
        return { ...refusal(error), whose }
      }
    },

    async signOut(caller) {
      const { headers } = await ask(caller, ({ api }) =>
        api.signOut({ headers: headersOf(caller), returnHeaders: true }),
      )
      return headers.getSetCookie()
    },

    async renew(caller, lifeMs) {
      const token = await sessionCookie.tokenOf(caller)
      if (token === undefined || !(await endAt(caller, token, clock.now() + lifeMs))) return []
      return [await sessionCookie.write(token, { secure: caller.secure, maxAgeS: lifeMs / 1_000 })]
    },

    async beginSecondFactor(caller, password) {
      const answer = await own(caller, (library, headers) =>
        library.api.enableTwoFactor({ body: { password, method: 'totp' }, headers }),
      )
      if (answer.method !== 'totp') throw new AppError('internal', 'enable second factor failed: it is no totp')
      return { uri: answer.totpURI, recoveryCodes: answer.backupCodes }
    },

    async confirmSecondFactor(caller, code) {
      const before = await sessionOf(caller)
      const { response, headers } = await own(caller, (library, own) =>
        library.api.verifyTOTP({ body: { code }, headers: own, returnHeaders: true }),
      )
      await ask(caller, (library) => isFreshCode(library, response.user.id, code))
      return changeOf(caller, before, headers)
    },

    async endSecondFactor(caller, password) {
      const before = await sessionOf(caller)
      const { headers } = await own(caller, (library, own) =>
        library.api.disableTwoFactor({ body: { password }, headers: own, returnHeaders: true }),
      )
      return changeOf(caller, before, headers)
    },

    async newRecoveryCodes(caller, password) {
      const { backupCodes } = await own(caller, (library, headers) =>
        library.api.generateBackupCodes({ body: { password }, headers }),
      )
      return backupCodes
    },

    hashPassword: (password) =>
      passwordWork(async () => {
        await refuseKnownPassword(password)
        return hashPassword(password)
      }),

    async isOwnPassword(caller, password) {
      try {
        await passwordWork(() =>
          ask(caller, ({ api }) => api.verifyPassword({ body: { password }, headers: headersOf(caller) })),
        )
        return true
      } catch (error) {
        if (error instanceof LibraryRefusal && error.code === 'INVALID_PASSWORD') return false
        throw error
      }
    },
  }
}

function problemOf({ code }: LibraryRefusal): HttpProblem {
  switch (code) {
    case 'INVALID_PASSWORD':
      return badField('password', 'is wrong, or you have none yet')
    case 'INVALID_CODE':
      return badField('code', 'is wrong')
    case 'TOTP_ALREADY_ENABLED':
      return new HttpProblem('conflict', 'a second factor is enabled already; disable it first')
    case 'UNAUTHORIZED':
      return new HttpProblem('unauthenticated', 'this session is over; sign in again')
    default:
      return new HttpProblem('conflict', 'there is no second factor yet')
  }
}

/** Only what is a refusal; anything else is thrown on. */
function refusal(error: unknown): Extract<SignInOutcome, { kind: 'refused' }> {
  if (!(error instanceof LibraryRefusal)) throw error
  if (wrong.has(error.code)) return { kind: 'refused', why: 'wrong' }
  if (error.code === usedCode) return { kind: 'refused', why: 'used' }
  if (over.has(error.code)) return { kind: 'refused', why: 'over' }
  if (error.code === 'ACCOUNT_TEMPORARILY_LOCKED') return { kind: 'refused', why: 'locked' }
  throw new AppError('internal', `sign in failed: ${error.message}`, { cause: error })
}

/** What the library set between the two steps of a sign-in. */
function stepCookies(header: string | null): string | null {
  const pairs = Object.entries(header === null ? {} : parse(header))
  const own = pairs.filter(([name]) => /\.(two_factor|dont_remember)$/.test(name))
  return own.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('; ')
}
