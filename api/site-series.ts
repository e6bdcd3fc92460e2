import type { MetricName, ProfileId, SeriesId } from '../model/index.ts'
import { createKeptValues } from '../store/cache/index.ts'
import type { State } from '../store/state/index.ts'
import type { CacheResult } from './route.ts'

/** A series of a site, as far as it does not change with every reading. */
export interface SeriesOfSite {
  readonly seriesId: SeriesId
  readonly device: string
  readonly metric: string
  readonly unit: string | null
}

type Query = Parameters<State['series']['ofSite']>[0]
type Next = Awaited<ReturnType<State['series']['ofSite']>>['next']

export interface SiteSeriesPage {
  readonly items: readonly SeriesOfSite[]
  readonly next: Next
  readonly cache: CacheResult
}

/** Pages of a site's series with their units, kept while neither the inventory changes nor a series comes. */
export type ReadSiteSeries = (query: Query) => Promise<SiteSeriesPage>

/** Of all pages kept; some 100 bytes each. */
const mostKept = 100_000

interface Page extends Pick<SiteSeriesPage, 'items' | 'next'> {
  readonly version: string
}

export function createSiteSeries(state: Pick<State, 'series' | 'profiles' | 'dataVersions'>): ReadSiteSeries {
  const pages = createKeptValues<Page>({
    maxSize: mostKept,
    // One without items is not for nothing either.
    sizeOf: ({ items }) => items.length + 1,
  })

  async function unitsOf(
    profileIds: ReadonlySet<ProfileId>,
  ): Promise<ReadonlyMap<ProfileId, ReadonlyMap<MetricName, string>>> {
    const units = new Map<ProfileId, ReadonlyMap<MetricName, string>>()
    for (const id of profileIds) {
      const metrics = (await state.profiles.get(id))?.metrics ?? []
      units.set(id, new Map(metrics.map(({ name, unit }) => [name, unit])))
    }
    return units
  }

  return async (query) => {
    const { siteId, metrics, assetId, profileId, limit, after } = query
    const key = JSON.stringify([siteId, metrics, assetId, profileId, limit, after])
    // Before the data: what is read afterwards is of this version or later.
    const [inventory, { series }] = await Promise.all([state.dataVersions.read(['inventory']), state.series.highest()])
    const version = `${inventory} ${series}`
    const known = pages.get(key)
    if (known?.version === version) return { items: known.items, next: known.next, cache: 'hit' }
    const { items: rows, next } = await state.series.ofSite(query)
    const units = await unitsOf(new Set(rows.map((row) => row.profileId)))
    const items = rows.map((row) => ({
      seriesId: row.seriesId,
      device: row.deviceId,
      metric: row.metric,
      unit: units.get(row.profileId)?.get(row.metric) ?? null,
    }))
    pages.set(key, { version, items, next })
    return { items, next, cache: 'miss' }
  }
}
