// Loaded when somebody first signs in or brings a session: it costs a quarter of a second and some 30 MB.
import { kyselyAdapter } from '@better-auth/kysely-adapter'
import { betterAuth } from 'better-auth/minimal'
import { twoFactor } from 'better-auth/plugins/two-factor'
import type { Logger } from 'pino'
import type { AccountTables } from '../../store/state/index.ts'
import { cookiePrefix } from './session-cookie.ts'
import { addressHeader, passwordLengths, renewalsPerLife } from './terms.ts'

export interface LibraryConfig {
  /** Where people reach the platform; null where that is not known. */
  readonly publicUrl: string | null
  /** Whether cookies are for TLS only. */
  readonly secureCookies: boolean
  readonly sessionDays: number
  /** Signs cookies and encrypts what is kept of second factors: 32 random bytes in hex. */
  readonly secret: string
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
      expiresIn: config.sessionDays * daySeconds,
      updateAge: (config.sessionDays * daySeconds) / renewalsPerLife,
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
    },
    verification: {
      modelName: 'auth_verifications',
      fields: { expiresAt: 'expires_at', createdAt: 'created_at', updatedAt: 'updated_at' },
      storeIdentifier: 'hashed',
    },
    databaseHooks: { session: { create: { before: async ({ userId }) => maySignIn(userId) } } },
    plugins: [
      twoFactor({
        issuer: 'PELBIoT',
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
      // Whether a request comes from our own pages is checked before it gets here (origin.ts).
      disableCSRFCheck: true,
      disableOriginCheck: true,
      database: { validateSchema: false },
    },
  })
}

export type Library = ReturnType<typeof createLibrary>
