import { z } from '@hono/zod-openapi'
import { isMailAddress, isTimeZone, languages, roles, type SiteScope } from '../model/index.ts'
import { type PersonRecord, signInWays } from '../store/state/index.ts'
import { passwordLengths } from './auth/terms.ts'
import { siteIdField, timeField, timeOrNull } from './fields.ts'
import { formatTime } from './time.ts'

/** Stricter than a mail server: the account library takes addresses with a top-level domain only. */
export const emailField = z
  .string()
  .trim()
  .max(254)
  .refine((text) => isMailAddress(text) && z.email().safeParse(text).success, 'must be a mail address')
  .openapi({ format: 'email', example: 'ani@example.com' })

/** What somebody types to sign in: whatever it is, it is right or wrong. */
export const typedEmail = z.string().min(1).max(254).openapi({ example: 'ani@example.com' })
export const typedPassword = z.string().min(1).max(passwordLengths.max).openapi({ format: 'password' })

export const newPassword = z
  .string()
  .min(passwordLengths.min)
  .max(passwordLengths.max)
  .openapi({ format: 'password', description: 'Length is what counts; any characters' })

export const timeZoneField = z
  .string()
  .max(100)
  .refine(isTimeZone, 'must be a time zone such as Asia/Jakarta')
  .openapi({ example: 'Asia/Jakarta' })

export const languageField = z.enum(languages).openapi({ description: 'Of mails: English or Indonesian' })

export const siteScopeInput = z
  .union([z.literal('all'), z.array(siteIdField).min(1).max(1_000)])
  .openapi({ description: 'The sites they may see: `all`, or a list of ids' })

export const siteScopeSchema = z.union([z.literal('all'), z.array(z.string())])

export function toSiteScope(sites: SiteScope): 'all' | string[] {
  return sites === 'all' ? sites : [...sites]
}

export const personSchema = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    email: z.string(),
    language: z.enum(languages),
    timeZone: z.string().nullable().openapi({ description: 'Of their own times; null: that of the site' }),
    role: z.enum(roles),
    sites: siteScopeSchema,
    state: z.enum(['active', 'invited', 'disabled']).openapi({ description: '`invited`: has not set a password yet' }),
    signInWays: z.array(z.enum(signInWays)).openapi({ description: '`provider`: by OpenID Connect' }),
    secondFactor: z.boolean().openapi({ description: 'Whether a code is asked for after the password' }),
    createdAt: timeField,
    disabledAt: timeField.nullable(),
    lastSignInAt: timeField.nullable(),
  })
  .openapi('Person')

export function toPerson(person: PersonRecord): z.input<typeof personSchema> {
  const { id, name, email, language, timeZone, role, signInWays: ways, disabledMs } = person
  return {
    id,
    name,
    email,
    language,
    timeZone,
    role,
    sites: toSiteScope(person.sites),
    state: disabledMs !== null ? 'disabled' : ways.length > 0 ? 'active' : 'invited',
    signInWays: [...ways],
    secondFactor: person.hasSecondFactor,
    createdAt: formatTime(person.createdMs),
    disabledAt: timeOrNull(disabledMs),
    lastSignInAt: timeOrNull(person.lastSignInMs),
  }
}
