import { z } from '@hono/zod-openapi'
import { parseKeyId, roles } from '../../model/index.ts'
import type { SignInResult } from '../auth/sign-in.ts'
import { timeField } from '../fields.ts'
import { personSchema, siteScopeSchema, toPerson, toSiteScope, typedEmail, typedPassword } from '../person-schemas.ts'
import { definePublicRoute, defineRoute, type PrincipalContext, type Route } from '../route.ts'
import type { RouteDeps } from '../route-deps.ts'
import { formatTime } from '../time.ts'

const tag = 'Sign-in'

const signInInput = z
  .strictObject({
    email: typedEmail,
    password: typedPassword,
    remember: z
      .boolean()
      .default(false)
      .openapi({ description: 'Whether the session outlives the browser; else it ends with it, or after a day' }),
  })
  .openapi('SignIn')

const codeInput = z
  .strictObject({
    code: z
      .string()
      .regex(/^\d{6}$/, 'must be six digits')
      .optional()
      .openapi({ description: 'Of an authenticator app', example: '492039' }),
    recoveryCode: z
      .string()
      .min(1)
      .max(40)
      .optional()
      .openapi({ description: 'One of those that were shown when the second factor was enabled' }),
  })
  .refine(({ code, recoveryCode }) => (code === undefined) !== (recoveryCode === undefined), {
    error: 'or recoveryCode is needed, and not both',
    path: ['code'],
  })
  .openapi('SignInCode')

const resultSchema = z
  .strictObject({
    state: z.enum(['signed-in', 'code-needed']).openapi({
      description: '`code-needed`: the password is right; `POST /api/v1/auth/sign-in/code` is the second step',
    }),
    /** Null while a code is needed. */
    person: personSchema.nullable(),
  })
  .openapi('SignInResult')

/** Providers add what they like. */
const callbackQuery = z.looseObject({
  code: z.string().max(4_000).optional(),
  state: z.string().max(1_000).optional(),
  iss: z.string().max(1_000).optional(),
  error: z.string().max(200).optional(),
  error_description: z.string().max(1_000).optional(),
})

const methodsSchema = z.strictObject({ oidc: z.strictObject({ name: z.string() }).nullable() }).openapi('SignInMethods')

const whoSchema = z
  .strictObject({
    kind: z.enum(['person', 'key']),
    id: z.string(),
    name: z.string(),
    role: z.enum(roles),
    sites: siteScopeSchema,
    scopes: z.array(z.string()).openapi({ description: 'What a key is narrowed to; empty: not narrowed' }),
    /** Null for a key. */
    person: personSchema.nullable(),
    needsSecondFactor: z.boolean().openapi({
      description: 'Whether they may do nothing until they have enabled a second factor (`SECOND_FACTOR`)',
    }),
    session: z
      .strictObject({ id: z.string(), createdAt: timeField, expiresAt: timeField })
      .nullable()
      .openapi({ description: 'Null for a key' }),
  })
  .openapi('Self')

export function signInRoutes({ state, people, changes }: RouteDeps): Route[] {
  const { accounts, signIns, oidc } = people

  return [
    definePublicRoute({
      method: 'post',
      path: '/api/v1/auth/sign-in',
      tag,
      summary: 'Sign in with e-mail address and password',
      description:
        'The answer sets the cookie of a session. Wrong addresses and wrong passwords are answered alike. After five tries ' +
        'for one account from one address that address waits for up to a quarter of an hour; others do not.',
      request: { body: signInInput },
      responses: { 200: { description: 'Signed in, or half way', schema: resultSchema } },
      problems: [401],
      limit: 'sign-in',
      handler: async ({ body }, context) => toAnswer(await signIns.withPassword(context, body)),
    }),
    definePublicRoute({
      method: 'post',
      path: '/api/v1/auth/sign-in/code',
      tag,
      summary: 'Complete a sign-in with a code of the second factor',
      description: 'Within ten minutes and five tries after the password. A code is good once.',
      request: { body: codeInput },
      responses: { 200: { description: 'Signed in', schema: resultSchema } },
      problems: [401],
      limit: 'sign-in',
      handler: async ({ body: { code, recoveryCode } }, context) =>
        toAnswer(
          recoveryCode === undefined
            ? await signIns.withCode(context, 'totp', code ?? '')
            : await signIns.withCode(context, 'recovery-code', recoveryCode),
        ),
    }),
    definePublicRoute({
      method: 'get',
      path: '/api/v1/auth/methods',
      tag,
      summary: 'See how people can sign in here, beside a password',
      responses: { 200: { description: 'What there is', schema: methodsSchema } },
      handler: async () => ({ status: 200, body: { oidc: oidc.name === null ? null : { name: oidc.name } } }),
    }),
    definePublicRoute({
      method: 'get',
      path: '/api/v1/auth/oidc/start',
      tag,
      summary: 'Go to the OpenID Connect provider to sign in',
      description: 'A 404 where none is set.',
      limit: 'sign-in',
      responses: { 302: { description: 'To the provider' } },
      problems: [404],
      async handler(_, context) {
        const { location, cookies } = await oidc.begin(context)
        return { status: 302, headers: { location }, cookies }
      },
    }),
    definePublicRoute({
      method: 'get',
      path: '/api/v1/auth/oidc/callback',
      tag,
      summary: 'Come back from the OpenID Connect provider',
      description: 'Only people who were added can sign in so, by an address that the provider has verified.',
      limit: 'sign-in',
      request: { query: callbackQuery },
      responses: { 302: { description: 'To `/`, or to `/sign-in#error=…`' } },
      problems: [404],
      async handler({ query }, context) {
        const told = Object.entries(query).flatMap(([name, value]) =>
          typeof value === 'string' ? [[name, value]] : [],
        )
        const outcome = await oidc.finish(context, Object.fromEntries(told))
        if (typeof outcome === 'string') return { status: 302, headers: { location: `/sign-in#error=${outcome}` } }
        const { cookies } = await signIns.finish(context, outcome)
        return { status: 302, headers: { location: '/' }, cookies }
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/v1/auth/sign-out',
      tag,
      summary: 'End the session that this request comes with',
      policy: { for: 'person', withoutSecondFactor: true },
      responses: { 204: { description: 'It is over' } },
      async handler(_, context) {
        const { principal, session } = context
        const cookies = await accounts.signOut(context)
        if (session !== null)
          await changes.applyUnlogged(context, (unit) => unit.accounts.noteSignOut(principal.id, session.id))
        return { status: 204, cookies, headers: { 'clear-site-data': '"cache", "storage"' } }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/v1/auth/session',
      tag,
      summary: 'See who you are to the platform',
      policy: { for: 'everyone', withoutSecondFactor: true },
      responses: { 200: { description: 'A person or a key', schema: whoSchema } },
      async handler(_, context) {
        const { principal, scopes, session, needsSecondFactor } = context
        const { id, role, sites } = principal
        const person = principal.kind === 'person' ? await state.people.get(id) : undefined
        const body = {
          kind: person === undefined ? ('key' as const) : ('person' as const),
          id,
          name: person?.name ?? (await keyName(context)),
          role,
          sites: toSiteScope(sites),
          scopes: [...scopes],
          person: person === undefined ? null : toPerson(person),
          needsSecondFactor,
          session: session && {
            id: session.id,
            createdAt: formatTime(session.createdMs),
            expiresAt: formatTime(session.expiresMs),
          },
        } satisfies z.input<typeof whoSchema>
        return { status: 200, body }
      },
    }),
  ]

  async function keyName({ principal }: PrincipalContext): Promise<string> {
    return (await state.credentials.getKey(parseKeyId(principal.id)))?.name ?? ''
  }
}

function toAnswer(result: SignInResult) {
  const { cookies } = result
  if (result.kind === 'second-factor')
    return { status: 200, cookies, body: { state: 'code-needed', person: null } } as const
  return { status: 200, cookies, body: { state: 'signed-in', person: toPerson(result.person) } } as const
}
