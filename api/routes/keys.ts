import { z } from '@hono/zod-openapi'
import { parseKeyId, roles } from '../../model/index.ts'
import type { ApiKeyRecord, ApiKeyWithSecrets, KeySecretRecord } from '../../store/state/index.ts'
import { keyIdField, nameField, siteIdField, timeField, timeInput, timeOrNull } from '../fields.ts'
import { idPlace, loadPage, pageQuery, pageSchema } from '../paging.ts'
import { badField, HttpProblem } from '../problem.ts'
import { rotationInput } from '../rotation.ts'
import { defineRoute, type PrincipalContext, type Route } from '../route.ts'
import type { RouteDeps } from '../route-deps.ts'
import { scopes } from '../scopes.ts'
import { formatTime } from '../time.ts'

const keyInput = z
  .strictObject({
    name: nameField,
    role: z.enum(roles),
    sites: z
      .union([z.literal('all'), z.array(siteIdField).min(1).max(1_000)])
      .default('all')
      .openapi({ description: 'The sites it may see: `all`, or a list of ids' }),
    scopes: z
      .array(z.enum(scopes))
      .max(scopes.length)
      .default([])
      .openapi({ description: 'Narrows what its role allows; empty for everything the role allows' }),
    expiresAt: timeInput.nullable().default(null).openapi({ description: 'When it ends; null for never' }),
  })
  .openapi('NewKey')

const secretSchema = z
  .strictObject({
    createdAt: timeField,
    expiresAt: timeField.nullable().openapi({ description: 'The end of one that was replaced' }),
    lastUsedAt: timeField.nullable().openapi({ description: 'Half a minute late at most' }),
  })
  .openapi('KeySecret')

const keySchema = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    role: z.enum(roles),
    sites: z.union([z.literal('all'), z.array(z.string())]),
    scopes: z.array(z.string()),
    createdAt: timeField,
    expiresAt: timeField.nullable(),
    revokedAt: timeField.nullable(),
    secrets: z.array(secretSchema).openapi({
      description: 'What it can be proved with: its present secret first, then during a rotation the one before',
    }),
  })
  .openapi('Key')

const newKeySchema = z
  .strictObject({
    ...keySchema.shape,
    key: z.string().openapi({ description: 'What goes behind `Authorization: Bearer`; shown this once' }),
  })
  .openapi('KeyWithSecret')

const tag = 'Keys'

export function keyRoutes({ state, changes, clock }: RouteDeps): Route[] {
  /** The key that asks; undefined: a person does. */
  async function ownKey({ principal: { kind, id } }: PrincipalContext): Promise<ApiKeyRecord | undefined> {
    return kind === 'key' ? state.credentials.getKey(parseKeyId(id)) : undefined
  }

  return [
    defineRoute({
      method: 'get',
      path: '/api/v1/keys',
      tag,
      summary: 'List the API keys, without their secrets',
      description: 'Revoked and expired ones too.',
      policy: { role: 'admin', scope: 'keys:read', sites: 'every' },
      request: { query: z.strictObject(pageQuery) },
      responses: { 200: { description: 'Keys by id', schema: pageSchema(keySchema) } },
      async handler({ query }) {
        const body = await loadPage(query, {
          filter: { list: 'keys' },
          place: idPlace,
          load: (page) => state.credentials.listKeys(page),
          toItem: toKey,
        })
        return { status: 200, body }
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/v1/keys',
      tag,
      summary: 'Create an API key',
      description: 'The answer shows the key, once. Over MQTT: user name `key:{id}`, password = `key`.',
      policy: { role: 'admin', scope: 'keys:write', sites: 'every' },
      request: { body: keyInput },
      responses: { 201: { description: 'The new key, with its secret', schema: newKeySchema } },
      async handler({ body }, context) {
        const { expiresAt, ...rest } = body
        if (expiresAt !== null && expiresAt <= clock.now()) throw badField('expiresAt', 'must be in the future')
        const own = await ownKey(context)
        const wider = scopesBeyond(context.scopes, body.scopes) ?? endBeyond(own, expiresAt)
        if (wider !== undefined) throw new HttpProblem('forbidden', wider)
        const input = { ...rest, expiresMs: expiresAt }
        const { record, token } = await changes.apply(context, async (unit) => {
          for (const [i, siteId] of (input.sites === 'all' ? [] : input.sites).entries())
            if ((await unit.sites.get(siteId)) === undefined) throw badField(`sites.${i}`, `${siteId} is unknown`)
          return unit.credentials.issueKey(input)
        })
        return { status: 201, body: { ...toKey(record), key: token } }
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/v1/keys/{id}/rotate',
      tag,
      summary: 'Replace the secret of an API key',
      description:
        'The answer shows the new secret, once. The id stays, and with it the MQTT user name, the role, the sites and ' +
        'the scopes. The old secret ends by itself when the overlap is over.',
      policy: { role: 'admin', scope: 'keys:write', sites: 'every' },
      request: { params: z.strictObject({ id: keyIdField }), body: rotationInput, bodyOptional: true },
      responses: { 201: { description: 'The key, with its new secret', schema: newKeySchema } },
      async handler({ params, body }, context) {
        const own = await ownKey(context)
        const { record, token } = await changes.apply(context, async (unit) => {
          const key = await unit.credentials.getKey(params.id)
          const wider = key && (scopesBeyond(context.scopes, key.scopes) ?? endBeyond(own, key.expiresMs))
          if (wider !== undefined) throw new HttpProblem('forbidden', wider)
          return unit.credentials.rotateKey(params.id, body.overlapS * 1_000)
        })
        return { status: 201, body: { ...toKey(record), key: token } }
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/api/v1/keys/{id}',
      tag,
      summary: 'Revoke an API key and end its MQTT connections',
      policy: { role: 'admin', scope: 'keys:write', sites: 'every' },
      request: { params: z.strictObject({ id: keyIdField }) },
      responses: { 204: { description: 'It is good for nothing any more' } },
      async handler({ params }, context) {
        await changes.apply(context, (unit) => unit.credentials.revokeKey(params.id))
        return { status: 204 }
      },
    }),
  ]
}

/** A narrowed key must not make a wider one, nor get the secret of one. Says what is too wide. */
function scopesBeyond(own: readonly string[], wanted: readonly string[]): string | undefined {
  if (own.length === 0) return undefined
  if (wanted.length === 0) return `a key that is narrowed to ${own.join(', ')} cannot make or rotate one that is not`
  const beyond = wanted.filter((scope) => !own.includes(scope))
  return beyond.length > 0 ? `your key does not have the scopes ${beyond.join(', ')} itself` : undefined
}

/** One that ends must not live on in another. Says what is too long. */
function endBeyond(own: ApiKeyRecord | undefined, wantedMs: number | null): string | undefined {
  if (own === undefined || own.expiresMs === null || (wantedMs !== null && wantedMs <= own.expiresMs)) return undefined
  return `a key that ends at ${formatTime(own.expiresMs)} cannot make or rotate one that ends later; a person can, or pelbiot key create`
}

function toKey(record: ApiKeyWithSecrets): z.input<typeof keySchema> {
  const { id, name, role, sites, scopes, createdMs, expiresMs, revokedMs, secrets } = record
  return {
    id,
    name,
    role,
    sites: sites === 'all' ? sites : [...sites],
    scopes: [...scopes],
    createdAt: formatTime(createdMs),
    expiresAt: timeOrNull(expiresMs),
    revokedAt: timeOrNull(revokedMs),
    secrets: secrets.map(toSecret),
  }
}

function toSecret({ createdMs, expiresMs, lastUsedMs }: KeySecretRecord): z.input<typeof secretSchema> {
  return { createdAt: formatTime(createdMs), expiresAt: timeOrNull(expiresMs), lastUsedAt: timeOrNull(lastUsedMs) }
}
