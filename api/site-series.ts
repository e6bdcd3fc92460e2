import type { MetricName, ProfileId } from '../model/index.ts'
import type { State } from '../store/state/index.ts'
import type { Inventory } from './inventory.ts'
import type { CacheResult } from './route.ts'

/** A series of a site as JSON, as far as it does not change with every reading. */
export interface SeriesOfSite {
  /** The fields that name it: `"device":"meter-1","metric":"power"`. */
  readonly name: string
  readonly unit: string
}

type Query = Parameters<State['series']['ofSite']>[0]

export interface SiteSeriesPage {
  readonly items: readonly SeriesOfSite[]
  /** Index i is of items[i]. */
  readonly seriesIds: Int32Array
  readonly next: Awaited<ReturnType<State['series']['ofSite']>>['next']
}

/** A page of a site's series with their units. */
export async function readSiteSeries(
  { series }: Pick<State, 'series'>,
  inventory: Inventory,
  query: Query,
): Promise<SiteSeriesPage & { readonly cache: CacheResult }> {
  const { siteId, metrics, assetId, profileId, limit, after } = query
  const key = `site series ${JSON.stringify([siteId, metrics, assetId, profileId, limit, after])}`
  const load = async (): Promise<SiteSeriesPage> => {
    const { items: rows, next } = await series.ofSite(query)
    const units = await unitsOf(inventory, new Set(rows.map((row) => row.profileId)))
    const items = rows.map((row) => ({
      name: `"device":${JSON.stringify(row.deviceId)},"metric":${JSON.stringify(row.metric)}`,
      unit: JSON.stringify(units.get(row.profileId)?.get(row.metric) ?? null),
    }))
    return { items, seriesIds: Int32Array.from(rows, ({ seriesId }) => seriesId), next }
  }
  const { value, hit } = await inventory.kept(key, load, ({ items }) => items.length)
  return { ...value, cache: hit ? 'hit' : 'miss' }
}

async function unitsOf(
  inventory: Inventory,
  profileIds: ReadonlySet<ProfileId>,
): Promise<ReadonlyMap<ProfileId, ReadonlyMap<MetricName, string>>> {
  const units = new Map<ProfileId, ReadonlyMap<MetricName, string>>()
  for (const id of profileIds) {
    const metrics = (await inventory.profile(id))?.metrics ?? []
    units.set(id, new Map(metrics.map(({ name, unit }) => [name, unit])))
  }
  return units
}
