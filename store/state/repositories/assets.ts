import { sql } from 'kysely'
import type { ChangeScope } from '../change.ts'
import { parseAttributes, parseTexts } from '../columns.ts'
import { emptyPage, toPage } from '../page.ts'
import type { AssetRecord } from '../records.ts'
import type { Db, StateSchema } from '../schema.ts'
import type { AssetQueries, AssetWrites } from '../state.ts'
import { heightOf, maxAssetLevels, pathOf } from './asset-tree.ts'
import { patched } from './patched.ts'
import { conflict, invalid, notFound } from './refusals.ts'

export function assetQueries(db: Db): AssetQueries {
  return {
    async get(id) {
      const row = await db.selectFrom('assets').selectAll().where('id', '=', id).executeTakeFirst()
      return row && toAsset(row)
    },

    async list({ scope, siteId, parentId, limit, after }) {
      if (scope !== 'all' && scope.length === 0) return emptyPage
      let query = db
        .selectFrom('assets')
        .selectAll()
        .orderBy('id')
        .limit(limit + 1)
      if (scope !== 'all') query = query.where('site_id', 'in', scope)
      if (siteId !== undefined) query = query.where('site_id', '=', siteId)
      if (parentId !== undefined)
        query = parentId === null ? query.where('parent_id', 'is', null) : query.where('parent_id', '=', parentId)
      if (after !== undefined) query = query.where(sql.ref<string>('id'), '>', after)
      return toPage(await query.execute(), limit, { item: toAsset, cursor: (row) => row.id })
    },
  }
}

export function assetWrites({ db, note }: ChangeScope): AssetWrites {
  const assets = assetQueries(db)

  return {
    async create(asset) {
      const doing = `create asset ${asset.id}`
      if ((await assets.get(asset.id)) !== undefined) throw conflict(doing, 'id', 'is taken')
      const site = await db.selectFrom('sites').select('id').where('id', '=', asset.siteId).executeTakeFirst()
      if (site === undefined) throw invalid(doing, 'siteId', `${asset.siteId} is unknown`)
      await checkParent(doing, asset)
      await db.insertInto('assets').values(toRow(asset)).execute()
      await record('create', asset, { after: asset })
      return asset
    },

    async update(id, patch) {
      const doing = `update asset ${id}`
      const before = await assets.get(id)
      if (before === undefined) throw notFound(doing)
      const after = patched(before, patch)
      if (after === undefined) return before
      if (after.parentId !== before.parentId) await checkParent(doing, after)
      await db.updateTable('assets').set(toRow(after)).where('id', '=', id).execute()
      await record('update', before, { before, after })
      return after
    },

    async remove(id) {
      const doing = `remove asset ${id}`
      const before = await assets.get(id)
      if (before === undefined) throw notFound(doing)
      const child = await db.selectFrom('assets').select('id').where('parent_id', '=', id).limit(1).executeTakeFirst()
      if (child !== undefined) throw conflict(doing, 'assets', `are still below it, ${child.id} for one`)
      const device = await db.selectFrom('devices').select('id').where('asset_id', '=', id).limit(1).executeTakeFirst()
      if (device !== undefined) throw conflict(doing, 'devices', `are still on it, ${device.id} for one`)
      await db.deleteFrom('assets').where('id', '=', id).execute()
      await record('remove', before, { before })
    },
  }

  async function checkParent(doing: string, asset: AssetRecord): Promise<void> {
    if (asset.parentId === null) return
    const parent = await assets.get(asset.parentId)
    // One answer, for whoever sees one site must not learn what there is in another.
    if (parent?.siteId !== asset.siteId)
      throw invalid(doing, 'parentId', `${asset.parentId} is not an asset of site ${asset.siteId}`)
    const path = await pathOf(db, parent.id)
    if (path.includes(asset.id)) throw invalid(doing, 'parentId', `${parent.id} is the asset itself or below it`)
    if (path.length + (await heightOf(db, asset.id)) > maxAssetLevels)
      throw invalid(doing, 'parentId', `${parent.id} would make the tree deeper than ${maxAssetLevels} levels`)
  }

  function record(
    verb: 'create' | 'update' | 'remove',
    { id, siteId }: AssetRecord,
    change: { before?: AssetRecord; after?: AssetRecord },
  ) {
    return note({ verb, type: 'asset', id, siteId, ...change })
  }
}

function toAsset(row: StateSchema['assets']): AssetRecord {
  return {
    id: row.id,
    siteId: row.site_id,
    parentId: row.parent_id,
    kind: row.kind,
    name: row.name,
    ratingKva: row.rating_kva,
    ratingA: row.rating_a,
    attributes: parseAttributes(row.attributes),
    tags: parseTexts(row.tags),
  }
}

function toRow(asset: AssetRecord): StateSchema['assets'] {
  return {
    id: asset.id,
    site_id: asset.siteId,
    parent_id: asset.parentId,
    kind: asset.kind,
    name: asset.name,
    rating_kva: asset.ratingKva,
    rating_a: asset.ratingA,
    attributes: JSON.stringify(asset.attributes),
    tags: JSON.stringify(asset.tags),
  }
}
