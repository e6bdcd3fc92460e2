import { z } from '@hono/zod-openapi'
import { linkLifeMs, refuseWeakPassword, roles, type SiteScope } from '../../model/index.ts'
import { type ChangeUnit, commandLineKeySetting, type PersonRecord, type State } from '../../store/state/index.ts'
import { nameField, timeField } from '../fields.ts'
import { idPlace, loadPage, pageQuery, pageSchema } from '../paging.ts'
import {
  emailField,
  languageField,
  newPassword,
  personSchema,
  siteScopeInput,
  timeZoneField,
  toPerson,
} from '../person-schemas.ts'
import { badField, HttpProblem } from '../problem.ts'
import { defineRoute, type PrincipalContext, type Route } from '../route.ts'
import type { RouteDeps } from '../route-deps.ts'
import { found } from '../site-access.ts'
import { formatTime } from '../time.ts'

const tag = 'People'
const one = z.strictObject({ id: z.string().min(1).max(64) })
const read = { role: 'admin', scope: 'people:read', sites: 'every' } as const
const write = { role: 'admin', scope: 'people:write', sites: 'every' } as const

const newPersonInput = z
  .strictObject({
    name: nameField,
    email: emailField,
    role: z.enum(roles),
    sites: siteScopeInput.default('all'),
    language: languageField.default('en'),
    timeZone: timeZoneField.nullable().default(null),
    link: z
      .boolean()
      .default(false)
      .openapi({ description: 'For the command line of this machine only: the answer has the link' }),
    password: newPassword.optional().openapi({ description: 'For the command line of this machine only' }),
  })
  .openapi('NewPerson')

const personPatch = z
  .strictObject({
    name: nameField,
    role: z.enum(roles),
    sites: siteScopeInput,
    language: languageField,
    timeZone: timeZoneField.nullable(),
    disabled: z.boolean().openapi({ description: 'Signs them out everywhere, and nobody signs in as them' }),
  })
  .partial()
  .openapi('PersonPatch')

const madeSchema = z
  .strictObject({
    ...personSchema.shape,
    token: z.string().nullable().openapi({ description: 'Of the link, for the command line only; shown this once' }),
  })
  .openapi('PersonWithLink')

const linkSchema = z.strictObject({ id: z.string(), token: z.string(), expiresAt: timeField }).openapi('LinkToken')

export function peopleRoutes({ state, changes, people: { accounts, links } }: RouteDeps): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/api/v1/people',
      tag,
      summary: 'List the people',
      policy: read,
      request: { query: z.strictObject({ ...pageQuery, email: z.string().max(254).optional() }) },
      responses: { 200: { description: 'People by id', schema: pageSchema(personSchema) } },
      async handler({ query: { email, ...page } }) {
        if (email !== undefined) {
          const person = await state.people.findByEmail(email)
          return { status: 200, body: { items: person === undefined ? [] : [toPerson(person)], nextCursor: null } }
        }
        const body = await loadPage(page, {
          filter: { list: 'people' },
          place: idPlace,
          load: (request) => state.people.list(request),
          toItem: toPerson,
        })
        return { status: 200, body }
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/v1/people',
      tag,
      summary: 'Add a person',
      description: 'A mail invites them, with a link by which they set a password; that needs PUBLIC_URL.',
      policy: write,
      request: { body: newPersonInput },
      responses: { 201: { description: 'They are invited', schema: madeSchema } },
      async handler({ body: { link, password, ...input } }, context) {
        refuseNarrowed(context)
        if (link || password !== undefined) await refuseOthersThanCommandLine(state, context)
        if (password !== undefined) refuseWeakPassword(password, input)
        const hash = password === undefined ? undefined : await accounts.hashPassword(password)
        const { person, token } = await changes.applyUnlogged(context, async (unit) => {
          await refuseUnknownSites(unit, input.sites)
          const made = await unit.people.create(input)
          if (hash !== undefined) return { person: await unit.accounts.setPassword(made.id, hash), token: null }
          if (!link) return { person: await links.mailLink(unit, made.id), token: null }
          const issued = await unit.links.issue('invitation', made.id, linkLifeMs.invitation)
          return { person: made, token: issued.token }
        })
        return { status: 201, body: { ...toPerson(person), token } }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/v1/people/{id}',
      tag,
      summary: 'Read a person',
      policy: read,
      request: { params: one },
      responses: { 200: { description: 'The person', schema: personSchema } },
      handler: async ({ params }) => ({ status: 200, body: toPerson(await seen(params.id)) }),
    }),
    defineRoute({
      method: 'patch',
      path: '/api/v1/people/{id}',
      tag,
      summary: 'Change a person, their role or their sites',
      description: 'It acts with their next request. A 409 for the last admin of all sites.',
      policy: write,
      request: { params: one, body: personPatch },
      responses: { 200: { description: 'The person as they are now', schema: personSchema } },
      async handler({ params, body }, context) {
        refuseNarrowed(context)
        const person = await changes.applyUnlogged(context, async (unit) => {
          if (body.sites !== undefined) await refuseUnknownSites(unit, body.sites)
          return unit.people.update(params.id, body)
        })
        return { status: 200, body: toPerson(person) }
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/api/v1/people/{id}',
      tag,
      summary: 'Remove a person and end their sessions',
      policy: write,
      request: { params: one },
      responses: { 204: { description: 'They are gone; what they did stays in the audit log' } },
      async handler({ params }, context) {
        refuseNarrowed(context)
        await changes.applyUnlogged(context, (unit) => unit.people.remove(params.id))
        return { status: 204 }
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/v1/people/{id}/invitation',
      tag,
      summary: 'Mail somebody another link',
      description: 'An invitation, or a link for a new password to who has one already. Nobody but them sees it.',
      policy: write,
      request: { params: one },
      responses: { 202: { description: 'The mail is queued', schema: z.strictObject({}) } },
      async handler({ params }, context) {
        await links.invite(context, params.id)
        return { status: 202, body: {} }
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/api/v1/people/{id}/sessions',
      tag,
      summary: 'Sign a person out everywhere',
      policy: write,
      request: { params: one },
      responses: { 204: { description: 'They have to sign in again' } },
      async handler({ params }, context) {
        await changes.applyUnlogged(context, (unit) => unit.accounts.endSessions(params.id))
        return { status: 204 }
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/api/v1/people/{id}/totp',
      tag,
      summary: 'Remove the second factor of somebody who has lost it',
      policy: write,
      request: { params: one },
      responses: { 204: { description: 'The password alone lets them in' } },
      async handler({ params }, context) {
        refuseNarrowed(context)
        await changes.applyUnlogged(context, async (unit) => {
          await unit.accounts.removeSecondFactor(params.id)
          await unit.accounts.endSessions(params.id)
        })
        return { status: 204 }
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/v1/people/{id}/link',
      tag,
      summary: 'Make a link to set a password, on the command line',
      description: 'For the command line of this machine only: nobody else is shown how to become somebody.',
      policy: write,
      request: { params: one },
      responses: { 201: { description: 'Good once, for a week', schema: linkSchema } },
      async handler({ params }, context) {
        await seen(params.id)
        await refuseOthersThanCommandLine(state, context)
        const { record, token } = await links.issue(context, params.id)
        return { status: 201, body: { id: record.id, token, expiresAt: formatTime(record.expiresMs) } }
      },
    }),
  ]

  async function seen(id: string): Promise<PersonRecord> {
    return found(await state.people.get(id), 'person', id)
  }
}

/** A person is not narrowed to scopes, so whoever is cannot make one, nor make one more. */
function refuseNarrowed({ scopes }: PrincipalContext): void {
  if (scopes.length > 0)
    throw new HttpProblem('forbidden', `a key that is narrowed to ${scopes.join(', ')} cannot do this`)
}

async function refuseOthersThanCommandLine(
  { settings }: Pick<State, 'settings'>,
  { principal }: PrincipalContext,
): Promise<void> {
  if (principal.kind === 'key' && principal.id === (await settings.get(commandLineKeySetting))) return
  throw new HttpProblem('forbidden', 'only the command line of the machine itself may do this')
}

async function refuseUnknownSites(unit: ChangeUnit, sites: SiteScope): Promise<void> {
  for (const [i, siteId] of (sites === 'all' ? [] : sites).entries())
    if ((await unit.sites.get(siteId)) === undefined) throw badField(`sites.${i}`, `${siteId} is unknown`)
}
