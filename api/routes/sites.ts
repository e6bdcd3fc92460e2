import { z } from '@hono/zod-openapi'
import { type Access, maySee, type SiteId, type SiteRecord } from '../../model/index.ts'
import { nameField, siteIdField } from '../fields.ts'
import { idPlace, loadPage, pageQuery, pageSchema } from '../paging.ts'
import { defineCachedRoute, defineRoute, type Route } from '../route.ts'
import type { RouteDeps } from '../route-deps.ts'
import { found } from '../site-access.ts'

const timeZoneField = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/, 'must be an IANA time zone')
  .openapi({
    description: "IANA time zone; the site's days, months and tariff hours are local",
    example: 'Asia/Jakarta',
  })

const currencyField = z
  .string()
  .regex(/^[A-Z]{3}$/, 'must be three capital letters, as of ISO 4217')
  .openapi({ example: 'IDR' })

const settable = { name: nameField, timeZone: timeZoneField, currency: currencyField }
const siteInput = z.strictObject({ id: siteIdField, ...settable }).openapi('NewSite')
const sitePatch = z.strictObject(settable).partial().openapi('SitePatch')

const siteSchema = z
  .strictObject({ id: z.string(), name: z.string(), timeZone: z.string(), currency: z.string() })
  .openapi('Site')

const one = z.strictObject({ id: siteIdField })
const tag = 'Sites'

export function siteRoutes({ state, changes }: RouteDeps): Route[] {
  async function seenSite(principal: Access, id: SiteId): Promise<SiteRecord> {
    return found(maySee(principal.sites, id) ? await state.sites.get(id) : undefined, 'site', id)
  }

  return [
    defineCachedRoute({
      method: 'get',
      path: '/api/v1/sites',
      tag,
      summary: 'List the sites',
      policy: { role: 'viewer', scope: 'sites:read', sites: 'own' },
      cache: { of: ['inventory'] },
      request: { query: z.strictObject(pageQuery) },
      responses: { 200: { description: 'Sites by id', schema: pageSchema(siteSchema) } },
      async handler({ query }, { principal }) {
        const body = await loadPage(query, {
          filter: { list: 'sites' },
          place: idPlace,
          load: (page) => state.sites.list({ ...page, scope: principal.sites }),
          toItem: (site) => site,
        })
        return { status: 200, body }
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/v1/sites',
      tag,
      summary: 'Create a site',
      policy: { role: 'admin', scope: 'sites:write', sites: 'every' },
      request: { body: siteInput },
      responses: { 201: { description: 'The new site', schema: siteSchema } },
      async handler({ body }, context) {
        const site = await changes.apply(context, (unit) => unit.sites.create(body))
        return { status: 201, headers: { location: `/api/v1/sites/${site.id}` }, body: site }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/v1/sites/{id}',
      tag,
      summary: 'Read a site',
      policy: { role: 'viewer', scope: 'sites:read', sites: 'own' },
      request: { params: one },
      responses: { 200: { description: 'The site', schema: siteSchema } },
      async handler({ params }, { principal }) {
        return { status: 200, body: await seenSite(principal, params.id) }
      },
    }),
    defineRoute({
      method: 'patch',
      path: '/api/v1/sites/{id}',
      tag,
      summary: 'Change a site',
      description: 'What is left out stays as it is.',
      policy: { role: 'admin', scope: 'sites:write', sites: 'own' },
      request: { params: one, body: sitePatch },
      responses: { 200: { description: 'The site as it is now', schema: siteSchema } },
      async handler({ params, body }, context) {
        await seenSite(context.principal, params.id)
        return { status: 200, body: await changes.apply(context, (unit) => unit.sites.update(params.id, body)) }
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/api/v1/sites/{id}',
      tag,
      summary: 'Delete a site that has neither assets nor devices',
      policy: { role: 'admin', scope: 'sites:write', sites: 'every' },
      request: { params: one },
      responses: { 204: { description: 'It is gone' } },
      async handler({ params }, context) {
        await changes.apply(context, (unit) => unit.sites.remove(params.id))
        return { status: 204 }
      },
    }),
  ]
}
