import { z } from '@hono/zod-openapi'
import { refuseWeakPassword } from '../../model/index.ts'
import type { PersonRecord, SessionRecord } from '../../store/state/index.ts'
import type { SessionChange } from '../auth/accounts.ts'
import { timeField } from '../fields.ts'
import { newPassword, typedPassword } from '../person-schemas.ts'
import { badField, HttpProblem } from '../problem.ts'
import { defineRoute, type PrincipalContext, type Route } from '../route.ts'
import type { RouteDeps } from '../route-deps.ts'
import { found } from '../site-access.ts'
import { formatTime } from '../time.ts'

const tag = 'Sign-in'
const policy = { for: 'person' } as const
const enablingPolicy = { for: 'person', withoutSecondFactor: true } as const

/** Who found a browser open, or copied a cookie, must not shut its person out. */
const freshMs = 15 * 60_000
const freshOnly = 'With a session that began within the last quarter of an hour: sign in again before.'

const passwordInput = z.strictObject({ password: typedPassword }).openapi('OwnPassword')
const changeInput = z.strictObject({ currentPassword: typedPassword, password: newPassword }).openapi('PasswordChange')
const codeInput = z
  .strictObject({
    code: z
      .string()
      .regex(/^\d{6}$/, 'must be six digits')
      .openapi({ example: '492039' }),
  })
  .openapi('ConfirmCode')

const codesSchema = z.strictObject({ recoveryCodes: z.array(z.string()) })
const secretSchema = z
  .strictObject({
    uri: z.string().openapi({ description: '`otpauth://totp/…`, for the QR code that an authenticator app reads' }),
    recoveryCodes: z.array(z.string()).openapi({ description: 'Each is good once; shown this once' }),
  })
  .openapi('SecondFactor')

const sessionSchema = z
  .strictObject({
    id: z.string(),
    current: z.boolean().openapi({ description: 'Whether this request comes with it' }),
    createdAt: timeField,
    expiresAt: timeField,
    address: z.string().nullable(),
    userAgent: z.string().nullable(),
  })
  .openapi('Session')

/** What people do about their own accounts. */
export function ownAccountRoutes({ state, changes, clock, people: { accounts, throttle } }: RouteDeps): Route[] {
  function refuseStale({ session }: PrincipalContext): void {
    if (session !== null && session.createdMs + freshMs > clock.now()) return
    throw new HttpProblem(
      'fresh_sign_in_needed',
      'this session began more than a quarter of an hour ago: sign in again',
    )
  }

  async function self({ principal }: PrincipalContext): Promise<PersonRecord> {
    return found(await state.people.get(principal.id), 'person', principal.id)
  }

  /** The session that goes on may be another one; all others end. */
  async function recordSecondFactor(
    context: PrincipalContext,
    { sessionId }: SessionChange,
    change: 'enabled' | 'disabled',
  ): Promise<void> {
    const { principal, session } = context
    await changes.applyUnlogged(context, async (unit) => {
      await unit.accounts.noteSecondFactor(principal.id, change)
      await unit.accounts.endSessions(principal.id, sessionId ?? session?.id)
    })
  }

  return [
    defineRoute({
      method: 'post',
      path: '/api/v1/auth/password',
      tag,
      summary: 'Change your password, and end your other sessions',
      policy,
      request: { body: changeInput },
      responses: { 204: { description: 'It is changed, and a mail says so' } },
      problems: [429],
      async handler({ body: { currentPassword, password } }, context) {
        await throttle.takeStep(context.address)
        const person = await self(context)
        refuseWeakPassword(password, person)
        if (!(await accounts.isOwnPassword(context, currentPassword))) throw badField('currentPassword', 'is wrong')
        const hash = await accounts.hashPassword(password)
        await changes.applyUnlogged(context, async (unit) => {
          await unit.accounts.setPassword(person.id, hash, context.session?.id)
          await unit.notifications.tell({ kind: 'password-changed', person })
        })
        return { status: 204 }
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/v1/auth/totp',
      tag,
      summary: 'Begin to use an authenticator app as second factor',
      description: 'It counts once a code was confirmed.',
      policy: enablingPolicy,
      request: { body: passwordInput },
      responses: { 200: { description: 'What the app needs', schema: secretSchema } },
      problems: [429],
      async handler({ body }, context) {
        await throttle.takeStep(context.address)
        const { uri, recoveryCodes } = await accounts.beginSecondFactor(context, body.password)
        return { status: 200, body: { uri, recoveryCodes: [...recoveryCodes] } }
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/v1/auth/totp/confirm',
      tag,
      summary: 'Confirm the second factor with a code of the app',
      description: 'From now on a sign-in needs one. Other sessions end.',
      policy: enablingPolicy,
      request: { body: codeInput },
      responses: { 204: { description: 'It is enabled; the answer sets the cookie anew' } },
      problems: [429],
      async handler({ body }, context) {
        await throttle.takeStep(context.address)
        const change = await accounts.confirmSecondFactor(context, body.code)
        await recordSecondFactor(context, change, 'enabled')
        return { status: 204, cookies: change.cookies }
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/v1/auth/totp/disable',
      tag,
      summary: 'Do without the second factor',
      policy,
      request: { body: passwordInput },
      responses: { 204: { description: 'The password alone lets you in; other sessions end' } },
      problems: [429],
      async handler({ body }, context) {
        await throttle.takeStep(context.address)
        const change = await accounts.endSecondFactor(context, body.password)
        await recordSecondFactor(context, change, 'disabled')
        return { status: 204, cookies: change.cookies }
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/v1/auth/totp/recovery-codes',
      tag,
      summary: 'Get new recovery codes in place of the ones before',
      policy,
      request: { body: passwordInput },
      responses: { 200: { description: 'Shown this once', schema: codesSchema } },
      problems: [429],
      async handler({ body }, context) {
        await throttle.takeStep(context.address)
        const recoveryCodes = await accounts.newRecoveryCodes(context, body.password)
        await changes.applyUnlogged(context, (unit) =>
          unit.accounts.noteSecondFactor(context.principal.id, 'recovery-codes-renewed'),
        )
        return { status: 200, body: { recoveryCodes: [...recoveryCodes] } }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/v1/auth/sessions',
      tag,
      summary: 'List where you are signed in',
      policy,
      responses: {
        200: { description: 'The newest first', schema: z.strictObject({ items: z.array(sessionSchema) }) },
      },
      async handler(_, { principal, session }) {
        const items = await state.accounts.sessions(principal.id)
        return { status: 200, body: { items: items.map((one) => toSession(one, session)) } }
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/api/v1/auth/sessions',
      tag,
      summary: 'Sign out everywhere else',
      description: freshOnly,
      policy,
      responses: { 204: { description: 'This session is the only one left' } },
      async handler(_, context) {
        refuseStale(context)
        const { principal, session } = context
        await changes.applyUnlogged(context, (unit) => unit.accounts.endSessions(principal.id, session?.id))
        return { status: 204 }
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/api/v1/auth/sessions/{id}',
      tag,
      summary: 'End one of your sessions',
      description: `${freshOnly} This very one it may always end.`,
      policy,
      request: { params: z.strictObject({ id: z.string().min(1).max(64) }) },
      responses: { 204: { description: 'It is over' } },
      async handler({ params }, context) {
        if (params.id !== context.session?.id) refuseStale(context)
        await changes.applyUnlogged(context, (unit) => unit.accounts.endSession(context.principal.id, params.id))
        return { status: 204 }
      },
    }),
  ]
}

function toSession(record: SessionRecord, current: SessionRecord | null): z.input<typeof sessionSchema> {
  const { id, createdMs, expiresMs, address, userAgent } = record
  return {
    id,
    current: id === current?.id,
    createdAt: formatTime(createdMs),
    expiresAt: formatTime(expiresMs),
    address,
    userAgent,
  }
}
