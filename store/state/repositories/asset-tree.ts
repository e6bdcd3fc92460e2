import { sql } from 'kysely'
import type { AssetId } from '../../../model/index.ts'
import type { Db } from '../schema.ts'

/** Room for estate, building, floor, transformer, panels and loads, and a bound for every walk through the tree. */
export const maxAssetLevels = 32

/** The asset and everything above it, itself first. */
export async function pathOf(db: Db, id: AssetId): Promise<readonly AssetId[]> {
  const { rows } = await sql<{ id: AssetId }>`
    with recursive above(id, parent_id, level) as (
      select id, parent_id, 1 from assets where id = ${id}
      union all
      select assets.id, assets.parent_id, above.level + 1 from assets join above on assets.id = above.parent_id
    )
    select id from above order by level limit ${maxAssetLevels}`.execute(db)
  return rows.map((row) => row.id)
}

/** Levels of the subtree that begins with the asset: 1 without children, also before it is stored. */
export async function heightOf(db: Db, id: AssetId): Promise<number> {
  const { rows } = await sql<{ height: number | null }>`
    with recursive below(id, level) as (
      select id, 1 from assets where id = ${id}
      union all
      select assets.id, below.level + 1 from assets join below on assets.parent_id = below.id
    )
    select max(level) as height from below`.execute(db)
  return rows[0]?.height ?? 1
}
