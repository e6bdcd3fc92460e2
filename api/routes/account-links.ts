import { z } from '@hono/zod-openapi'
import { linkPurposes } from '../../store/state/index.ts'
import { nameField, timeField } from '../fields.ts'
import {
  emailField,
  languageField,
  newPassword,
  personSchema,
  timeZoneField,
  toPerson,
  typedEmail,
} from '../person-schemas.ts'
import { definePublicRoute, type Route } from '../route.ts'
import type { RouteDeps } from '../route-deps.ts'
import { formatTime } from '../time.ts'

const tag = 'Sign-in'
const token = z.string().min(1).max(200).openapi({ description: 'What the link has behind `#token=`' })

const openInput = z.strictObject({ token }).openapi('OpenLink')
const passwordInput = z.strictObject({ token, password: newPassword }).openapi('SetPassword')
const resetInput = z.strictObject({ email: typedEmail }).openapi('PasswordReset')
const setUpInput = z
  .strictObject({
    token,
    name: nameField,
    email: emailField,
    password: newPassword,
    language: languageField.default('en'),
    timeZone: timeZoneField.nullable().default(null),
  })
  .openapi('SetUp')

const linkSchema = z
  .strictObject({
    purpose: z.enum(linkPurposes),
    email: z.string().nullable().openapi({ description: 'Whose password it sets; null: it makes the first admin' }),
    name: z.string().nullable(),
    expiresAt: timeField,
  })
  .openapi('Link')

export function accountLinkRoutes({ people: { links, throttle } }: RouteDeps): Route[] {
  return [
    definePublicRoute({
      method: 'post',
      path: '/api/v1/auth/link',
      tag,
      summary: 'See what a link is for, without using it',
      limit: 'sign-in',
      request: { body: openInput },
      responses: { 200: { description: 'It is good', schema: linkSchema } },
      async handler({ body }, { address }) {
        await throttle.takeStep(address)
        const { link, person } = await links.open(body.token)
        const { purpose, expiresMs } = link
        const whose = { email: person?.email ?? null, name: person?.name ?? null }
        return { status: 200, body: { purpose, ...whose, expiresAt: formatTime(expiresMs) } }
      },
    }),
    definePublicRoute({
      method: 'post',
      path: '/api/v1/auth/link/password',
      tag,
      summary: 'Set the password that an invitation or a reset is for',
      description: 'Uses the link up and ends every session of the person. Signing in comes after it.',
      limit: 'sign-in',
      request: { body: passwordInput },
      responses: { 200: { description: 'It is set', schema: personSchema } },
      async handler({ body }, context) {
        await throttle.takeStep(context.address)
        return { status: 200, body: toPerson(await links.setPassword(context, body.token, body.password)) }
      },
    }),
    definePublicRoute({
      method: 'post',
      path: '/api/v1/auth/password-reset',
      tag,
      summary: 'Ask for a mail with a link for a new password',
      description: 'The answer is the same for everybody; three mails an hour at most go to one person.',
      limit: 'sign-in',
      request: { body: resetInput },
      responses: { 202: { description: 'If there is such a person they get a mail', schema: z.strictObject({}) } },
      async handler({ body }, context) {
        await throttle.takeStep(context.address)
        links.askForReset(context, body.email)
        return { status: 202, body: {} }
      },
    }),
    definePublicRoute({
      method: 'post',
      path: '/api/v1/auth/set-up',
      tag,
      summary: 'Become the first admin, with the link that the first start printed',
      description: 'A 409 once there is an admin.',
      limit: 'sign-in',
      request: { body: setUpInput },
      responses: { 201: { description: 'Signing in comes next', schema: personSchema } },
      async handler({ body: { token, ...admin } }, context) {
        await throttle.takeStep(context.address)
        return { status: 201, body: toPerson(await links.setUp(context, token, admin)) }
      },
    }),
  ]
}
