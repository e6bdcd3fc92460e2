// Loaded when somebody first signs in: it costs a quarter of a second and some 30 MB.
import { createHash } from 'node:crypto'
import { kyselyAdapter } from '@better-auth/kysely-adapter'
import { betterAuth } from 'better-auth/minimal'
import { genericOAuth } from 'better-auth/plugins/generic-oauth'
import { twoFactor } from 'better-auth/plugins/two-factor'
import type { Logger } from 'pino'
import type { AccountTables } from '../../store/state/index.ts'
import { makeRecoveryCodes, recoveryCodeStorage } from './recovery-codes.ts'
import { cookiePrefix } from './session-cookie.ts'
import { addressHeader, passwordLengths } from './terms.ts'

export interface LibraryConfig {
  /** Where people reach the platform; null where that is not known. */
  readonly publicUrl: string | null
  /** Whether cookies are for TLS only. */
  readonly secureCookies: boolean
  readonly sessionDays: number
  /** The provider of OpenID Connect; null: there is none. */
  readonly oidc: OidcConfig | null
  /** Signs cookies and encrypts what is kept of second factors: 32 random bytes in hex. */
  readonly secret: string
}

export interface OidcConfig {
  /** As the provider itself writes it. */
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly redirectUri: string
}

export interface LibraryDeps {
  readonly tables: AccountTables
  /** Whether a session may be made for this person. */
  readonly maySignIn: (personId: string) => Promise<boolean>
  readonly logger: Logger
}

const daySeconds = 86_400

/** Of both databases alike: times as texts, truths as numbers (store/state/migrations/0004-accounts.ts). */
const tableStyle = { type: 'sqlite', transaction: true } as const

export function createLibrary(config: LibraryConfig, { tables, maySignIn, logger }: LibraryDeps) {
  return betterAuth({
    appName: 'PELBIoT',
    // Only what it redirects to depends on it, and nothing here redirects without a public address.
    baseURL: config.publicUrl ?? 'http://localhost',
    basePath: '/api/v1/auth',
    // Both explicitly, for otherwise it would look into the environment.
    secret: config.secret,
    secrets: [{ version: 1, value: config.secret }],
    database: kyselyAdapter(tables, tableStyle),
    telemetry: { enabled: false },
    // Throttling is ours (throttle.ts): this one knows neither accounts nor Redis.
    rateLimit: { enabled: false },
    logger: {
      level: 'error',
      log: (_level, message) => logger.warn({ message }, 'account library complains'),
    },
    emailAndPassword: {
      enabled: true,
      disableSignUp: true,
      minPasswordLength: passwordLengths.min,
      maxPasswordLength: passwordLengths.max,
    },
    user: {
      modelName: 'people',
      fields: {
        email: 'email_folded',
        emailVerified: 'email_verified',
        createdAt: 'created_ms',
        updatedAt: 'updated_at',
      },
      changeEmail: { enabled: false },
      deleteUser: { enabled: false },
    },
    session: {
      modelName: 'auth_sessions',
      fields: {
        userId: 'person_id',
        expiresAt: 'expires_at',
        createdAt: 'created_at',
        updatedAt: 'updated_at',
        ipAddress: 'ip_address',
        userAgent: 'user_agent',
      },
      // Longer, be it by a second, than the day that a session of one visit has: by that the two are told apart (terms.ts).
      expiresIn: Math.max(config.sessionDays * daySeconds, daySeconds + 1),
      // Renewing them is ours (authenticate.ts): this one would go by a cookie that whoever has copied the other leaves out.
      disableSessionRefresh: true,
      // A role that is taken away, a session that is ended: at once.
      cookieCache: { enabled: false },
    },
    account: {
      modelName: 'auth_accounts',
      fields: {
        userId: 'person_id',
        accountId: 'account_id',
        providerId: 'provider_id',
        accessToken: 'access_token',
        refreshToken: 'refresh_token',
        idToken: 'id_token',
        accessTokenExpiresAt: 'access_token_expires_at',
        refreshTokenExpiresAt: 'refresh_token_expires_at',
        createdAt: 'created_at',
        updatedAt: 'updated_at',
      },
      updateAccountOnSignIn: false,
      // People are made by admins and come in by links to their mailbox: nobody can have taken an address before its owner.
      accountLinking: { enabled: true, requireLocalEmailVerified: false, trustedProviders: [] },
    },
    verification: {
      modelName: 'auth_verifications',
      fields: { expiresAt: 'expires_at', createdAt: 'created_at', updatedAt: 'updated_at' },
      storeIdentifier: 'hashed',
    },
    databaseHooks: {
      // Nothing here uses them after a sign-in.
      account: {
        create: {
          before: async () => ({ data: { accessToken: null, refreshToken: null, idToken: null, scope: null } }),
        },
      },
      session: { create: { before: async ({ userId }) => maySignIn(userId) } },
    },
    plugins: [
      ...(config.oidc === null ? [] : [genericOAuth({ config: [providerOf(config.oidc)] })]),
      twoFactor({
        issuer: 'PELBIoT',
        backupCodeOptions: { customBackupCodesGenerate: makeRecoveryCodes, storeBackupCodes: recoveryCodeStorage },
        schema: {
          user: { fields: { twoFactorEnabled: 'two_factor_enabled' } },
          twoFactor: {
            modelName: 'auth_two_factors',
            fields: {
              userId: 'person_id',
              backupCodes: 'backup_codes',
              failedVerificationCount: 'failed_verification_count',
              lockedUntil: 'locked_until',
            },
          },
        },
      }),
    ],
    advanced: {
      cookiePrefix: cookiePrefix(config.secureCookies),
      // Its own prefix would be __Secure-, which says less than ours.
      useSecureCookies: false,
      defaultCookieAttributes: { secure: config.secureCookies, sameSite: 'strict', httpOnly: true, path: '/' },
      ipAddress: { ipAddressHeaders: [addressHeader], ipv6Subnet: 128 },
      // The provider sends people back from its own site.
      cookies: { state: { attributes: { sameSite: 'lax' } } },
      // Whether a request comes from our own pages is checked before it gets here (origin.ts).
      disableCSRFCheck: true,
      disableOriginCheck: true,
      database: { validateSchema: false },
    },
  })
}

/** Another issuer is another provider: its subjects are other people. */
export function providerIdOf(issuer: string): string {
  return `oidc-${createHash('sha256').update(issuer).digest('hex').slice(0, 16)}`
}

interface ProviderAnswer {
  readonly tokens: { readonly idToken?: string | undefined }
  /** Whose `sub` is that of the token. */
  readonly profile: { readonly sub?: unknown }
}

function providerOf({ issuer, clientId, clientSecret, redirectUri }: OidcConfig) {
  return {
    providerId: providerIdOf(issuer),
    discoveryUrl: `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
    // With headers of ours it does not follow the provider to another host.
    discoveryHeaders: { accept: 'application/json' },
    requireIdTokenVerification: true,
    // The library checks a token that is there, and would do without one.
    accountSubject: ({ tokens, profile }: ProviderAnswer) => (tokens.idToken === undefined ? '' : String(profile.sub)),
    clientId,
    clientSecret,
    redirectURI: redirectUri,
    scopes: ['openid', 'email', 'profile'],
    pkce: true,
    disableSignUp: true,
    disableProviderLogout: true,
  }
}

export type Library = ReturnType<typeof createLibrary>
