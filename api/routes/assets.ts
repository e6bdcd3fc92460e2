import { z } from '@hono/zod-openapi'
import type { Access, AssetId } from '../../model/index.ts'
import { type AssetRecord, assetKinds } from '../../store/state/index.ts'
import { assetIdField, attributesField, nameField, siteIdField, tagsField } from '../fields.ts'
import { idPlace, loadPage, pageQuery, pageSchema } from '../paging.ts'
import { badParameter } from '../problem.ts'
import { defineCachedRoute, defineRoute, type Route } from '../route.ts'
import type { RouteDeps } from '../route-deps.ts'
import { found, requireSite, visible } from '../site-access.ts'

const ratingKva = z.number().positive().max(1e9).nullable().openapi({ description: 'Nominal apparent power in kVA' })
const ratingA = z.number().positive().max(1e9).nullable().openapi({ description: 'Nominal current in A' })
const parentId = assetIdField
  .nullable()
  .openapi({ description: "The asset above it; null at the top of the site's tree" })
const kind = z.enum(assetKinds)

const assetInput = z
  .strictObject({
    id: assetIdField,
    siteId: siteIdField,
    kind,
    name: nameField,
    parentId: parentId.default(null),
    ratingKva: ratingKva.default(null),
    ratingA: ratingA.default(null),
    attributes: attributesField.default({}),
    tags: tagsField.default([]),
  })
  .openapi('NewAsset')

const assetPatch = z
  .strictObject({ kind, name: nameField, parentId, ratingKva, ratingA, attributes: attributesField, tags: tagsField })
  .partial()
  .openapi('AssetPatch')

const assetSchema = z
  .strictObject({
    id: z.string(),
    siteId: z.string(),
    parentId: z.string().nullable(),
    kind,
    name: z.string(),
    ratingKva: z.number().nullable(),
    ratingA: z.number().nullable(),
    attributes: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
    tags: z.array(z.string()),
  })
  .openapi('Asset')

const listQuery = z.strictObject({
  ...pageQuery,
  siteId: siteIdField.optional(),
  parentId: assetIdField.optional().openapi({ description: 'Only those right below this asset' }),
  top: z.literal('true').optional().openapi({ description: 'Only those at the top of the tree; excludes `parentId`' }),
})

const one = z.strictObject({ id: assetIdField })
const tag = 'Sites'

export function assetRoutes({ state, changes }: RouteDeps): Route[] {
  async function seenAsset(principal: Access, id: AssetId): Promise<AssetRecord> {
    return found(visible(principal, await state.assets.get(id)), 'asset', id)
  }

  return [
    defineCachedRoute({
      method: 'get',
      path: '/api/v1/assets',
      tag,
      summary: 'List the assets of the trees',
      policy: { role: 'viewer', scope: 'sites:read', sites: 'own' },
      cache: { of: ['inventory'] },
      request: { query: listQuery },
      responses: { 200: { description: 'Assets by id; `parentId` makes the tree', schema: pageSchema(assetSchema) } },
      async handler({ query }, { principal }) {
        const { siteId, parentId, top } = query
        if (top && parentId) throw badParameter('top', 'excludes parentId')
        const body = await loadPage(query, {
          filter: { list: 'assets', siteId, parentId, top },
          place: idPlace,
          load: (page) =>
            state.assets.list({ ...page, scope: principal.sites, siteId, parentId: top ? null : parentId }),
          toItem: toAsset,
        })
        return { status: 200, body }
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/v1/assets',
      tag,
      summary: 'Create an asset',
      policy: { role: 'admin', scope: 'sites:write', sites: 'own' },
      request: { body: assetInput },
      responses: { 201: { description: 'The new asset', schema: assetSchema } },
      async handler({ body }, context) {
        requireSite(context.principal, body.siteId)
        const asset = await changes.apply(context, (unit) => unit.assets.create(body))
        return { status: 201, headers: { location: `/api/v1/assets/${asset.id}` }, body: toAsset(asset) }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/v1/assets/{id}',
      tag,
      summary: 'Read an asset',
      policy: { role: 'viewer', scope: 'sites:read', sites: 'own' },
      request: { params: one },
      responses: { 200: { description: 'The asset', schema: assetSchema } },
      async handler({ params }, { principal }) {
        return { status: 200, body: toAsset(await seenAsset(principal, params.id)) }
      },
    }),
    defineRoute({
      method: 'patch',
      path: '/api/v1/assets/{id}',
      tag,
      summary: 'Change or move an asset within its site',
      description: 'What is left out stays as it is. A new `parentId` moves the asset with everything below it.',
      policy: { role: 'admin', scope: 'sites:write', sites: 'own' },
      request: { params: one, body: assetPatch },
      responses: { 200: { description: 'The asset as it is now', schema: assetSchema } },
      async handler({ params, body }, context) {
        await seenAsset(context.principal, params.id)
        const asset = await changes.apply(context, (unit) => unit.assets.update(params.id, body))
        return { status: 200, body: toAsset(asset) }
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/api/v1/assets/{id}',
      tag,
      summary: 'Delete an asset that has neither assets below it nor devices',
      policy: { role: 'admin', scope: 'sites:write', sites: 'own' },
      request: { params: one },
      responses: { 204: { description: 'It is gone' } },
      async handler({ params }, context) {
        await seenAsset(context.principal, params.id)
        await changes.apply(context, (unit) => unit.assets.remove(params.id))
        return { status: 204 }
      },
    }),
  ]
}

function toAsset(asset: AssetRecord): z.input<typeof assetSchema> {
  return { ...asset, attributes: { ...asset.attributes }, tags: [...asset.tags] }
}
