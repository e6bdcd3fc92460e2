import type { PersonRecord } from './records.ts'

/** What a link lets its holder do: make the first admin, or set the password of one person. */
export const linkPurposes = ['setup', 'invitation', 'password-reset'] as const
export type LinkPurpose = (typeof linkPurposes)[number]

export interface LinkRecord {
  readonly id: string
  readonly purpose: LinkPurpose
  /** Null: of a set-up link, which makes its person. */
  readonly personId: string | null
  readonly createdMs: number
  readonly expiresMs: number
}

/** A link just made. Its token is stored nowhere; `AccountLinks.tokenOf` computes it again. */
export interface IssuedLink {
  readonly record: LinkRecord
  readonly token: string
}

export interface AccountLinkQueries {
  /** The link of a token that is right, unused and not expired. */
  find(token: string): Promise<LinkRecord | undefined>
}

export interface AccountLinkWrites {
  /** Good once, for `lifetimeMs`. A person has five at most: the oldest make room. A set-up link replaces the one before. */
  issue(purpose: LinkPurpose, personId: string | null, lifetimeMs: number): Promise<IssuedLink>
  /** Uses it up. `invalid_input` for field `token` when it is wrong, used or expired; which of these is not said. */
  redeem(token: string): Promise<LinkRecord>
}

/** One place where somebody is signed in. */
export interface SessionRecord {
  readonly id: string
  readonly personId: string
  readonly createdMs: number
  readonly expiresMs: number
  readonly address: string | null
  readonly userAgent: string | null
}

/** How somebody proved who they are. */
export const signInMethods = ['password', 'password+totp', 'password+recovery-code', 'provider'] as const
export type SignInMethod = (typeof signInMethods)[number]

export interface SignInNote {
  readonly sessionId: string
  readonly method: SignInMethod
  readonly userAgent: string | null
}

export interface AccountQueries {
  /** The session of a token, if it is not expired. */
  findSession(token: string): Promise<SessionRecord | undefined>
  /** Not expired ones, the newest first. */
  sessions(personId: string): Promise<readonly SessionRecord[]>
  /** Whether there is an admin at all, disabled and invited ones too. */
  hasAdmin(): Promise<boolean>
}

/** What happens to a person's account; each leaves an audit row. `not_found` without such a person. */
export interface AccountWrites {
  /** A session was made for the person. Expired sessions of anybody go, and the person's oldest beyond fifty. */
  noteSignIn(personId: string, signIn: SignInNote): Promise<void>
  noteSignOut(personId: string, sessionId: string): Promise<void>
  /** Wrong passwords or codes so many that the address has to wait. */
  noteRefusedSignIns(personId: string, failures: number): Promise<void>
  /** Ends the person's sessions but `keepSessionId`, and their links. `hash` is the account library's. */
  setPassword(personId: string, hash: string, keepSessionId?: string): Promise<PersonRecord>
  /** The library has written it already. */
  noteSecondFactor(personId: string, change: 'enabled' | 'disabled' | 'recovery-codes-renewed'): Promise<void>
  /** For somebody who has lost it; `conflict` when there is none. */
  removeSecondFactor(personId: string): Promise<PersonRecord>
  /** `not_found` when the person has no such session. */
  endSession(personId: string, sessionId: string): Promise<void>
  /** All but one; resolves with how many. */
  endSessions(personId: string, keepSessionId?: string): Promise<number>
}

/** The setting in which the start notes the id of the API key that the command line of the machine uses. */
export const commandLineKeySetting = 'command-line-key'
