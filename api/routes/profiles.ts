import { z } from '@hono/zod-openapi'
import { type Metric, metricKinds, type ProfileRecord } from '../../model/index.ts'
import { nameField, newMetricField, profileIdField } from '../fields.ts'
import { idPlace, loadPage, pageQuery, pageSchema } from '../paging.ts'
import { defineCachedRoute, defineRoute, type Route } from '../route.ts'
import type { RouteDeps } from '../route-deps.ts'
import { found } from '../site-access.ts'

const maxMetrics = 200

const metricInput = z
  .strictObject({
    name: newMetricField,
    unit: z
      .string()
      .regex(/^[\x21-\x7e]{1,32}$/, 'must be a UCUM unit, 1 for none')
      .openapi({ description: 'UCUM: V, kWh, Cel, %; 1 for none', example: 'V' }),
    kind: z.enum(metricKinds).openapi({ description: 'A register only counts up; a state is a code' }),
    min: z.number().openapi({ description: 'Smallest valid value; a smaller one is suspect' }),
    max: z.number().openapi({ description: 'Largest valid value; a larger one is suspect' }),
    maxRatePerS: z
      .number()
      .positive()
      .nullable()
      .default(null)
      .openapi({ description: 'Fastest believable change a second; null for any' }),
    digits: z
      .int()
      .min(1)
      .max(15)
      .nullable()
      .default(null)
      .openapi({ description: 'Registers: digits before the point; it rolls over at 10^digits' }),
    multiplier: z
      .number()
      .positive()
      .default(1)
      .openapi({ description: 'Registers: CT ratio × VT ratio; 1 for the others' }),
  })
  .openapi('NewMetric')

// What metrics may be together (distinct names, digits of registers, …) is for the state to judge.
const metricsField = z.array(metricInput).max(maxMetrics)

const reportingIntervalMs = z
  .int()
  .min(100)
  .max(7 * 86_400_000)
  .openapi({ description: 'How often its devices report, in ms; silence is measured in multiples of it' })

const profileInput = z
  .strictObject({ id: profileIdField, name: nameField, reportingIntervalMs, metrics: metricsField })
  .openapi('NewProfile')

const profilePatch = z
  .strictObject({ name: nameField, reportingIntervalMs, metrics: metricsField })
  .partial()
  .openapi('ProfilePatch')

const profileSchema = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    reportingIntervalMs: z.int(),
    metrics: z.array(
      z
        .strictObject({
          name: z.string(),
          unit: z.string(),
          kind: z.enum(metricKinds),
          min: z.number(),
          max: z.number(),
          maxRatePerS: z.number().nullable(),
          digits: z.int().nullable(),
          multiplier: z.number(),
        })
        .openapi('Metric'),
    ),
  })
  .openapi('Profile')

const one = z.strictObject({ id: profileIdField })
const tag = 'Profiles'

export function profileRoutes({ state, changes }: RouteDeps): Route[] {
  return [
    defineCachedRoute({
      method: 'get',
      path: '/api/v1/profiles',
      tag,
      summary: 'List the profiles',
      policy: { role: 'viewer', scope: 'profiles:read', sites: 'own' },
      cache: { of: ['inventory'] },
      request: { query: z.strictObject(pageQuery) },
      responses: { 200: { description: 'Profiles by id', schema: pageSchema(profileSchema) } },
      async handler({ query }) {
        const body = await loadPage(query, {
          filter: { list: 'profiles' },
          place: idPlace,
          load: (page) => state.profiles.list(page),
          toItem: toProfile,
        })
        return { status: 200, body }
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/v1/profiles',
      tag,
      summary: 'Create a profile of your own',
      policy: { role: 'admin', scope: 'profiles:write', sites: 'every' },
      request: { body: profileInput },
      responses: { 201: { description: 'The new profile', schema: profileSchema } },
      async handler({ body }, context) {
        const profile = await changes.apply(context, (unit) => unit.profiles.create(body))
        return { status: 201, headers: { location: `/api/v1/profiles/${profile.id}` }, body: toProfile(profile) }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/v1/profiles/{id}',
      tag,
      summary: 'Read a profile with its metrics',
      policy: { role: 'viewer', scope: 'profiles:read', sites: 'own' },
      request: { params: one },
      responses: { 200: { description: 'The profile', schema: profileSchema } },
      async handler({ params }) {
        return { status: 200, body: toProfile(found(await state.profiles.get(params.id), 'profile', params.id)) }
      },
    }),
    defineRoute({
      method: 'patch',
      path: '/api/v1/profiles/{id}',
      tag,
      summary: 'Change a profile, or adopt a discovered metric into it',
      description:
        'What is left out stays as it is. A metric named here is added, or takes the place of the one of the same ' +
        'name; the others stay.',
      policy: { role: 'admin', scope: 'profiles:write', sites: 'every' },
      request: { params: one, body: profilePatch },
      responses: { 200: { description: 'The profile as it is now', schema: profileSchema } },
      async handler({ params, body }, context) {
        const profile = await changes.apply(context, async (unit) => {
          const before = found(await unit.profiles.get(params.id), 'profile', params.id)
          const metrics = body.metrics && mergeMetrics(before.metrics, body.metrics)
          return unit.profiles.update(params.id, { ...body, metrics })
        })
        return { status: 200, body: toProfile(profile) }
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/api/v1/profiles/{id}',
      tag,
      summary: 'Delete a profile that no device has ever used',
      policy: { role: 'admin', scope: 'profiles:write', sites: 'every' },
      request: { params: one },
      responses: { 204: { description: 'It is gone' } },
      async handler({ params }, context) {
        await changes.apply(context, (unit) => unit.profiles.remove(params.id))
        return { status: 204 }
      },
    }),
  ]
}

/** Those known keep their place, so that a chart's order of metrics stays. */
function mergeMetrics(before: readonly Metric[], changed: readonly Metric[]): Metric[] {
  const byName = new Map([...before, ...changed].map((metric) => [metric.name, metric]))
  return [...byName.values()]
}

function toProfile(profile: ProfileRecord): z.input<typeof profileSchema> {
  return { ...profile, metrics: profile.metrics.map((metric) => ({ ...metric })) }
}
