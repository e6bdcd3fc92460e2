/** What the platform has counted of its cache, over all routes. */
export interface CacheCounts {
  readonly hits: number
  readonly all: number
}

export function cacheCounts(metrics: string): CacheCounts {
  let hits = 0
  let all = 0
  for (const [, labels = '', value] of metrics.matchAll(/^pelbiot_cache_requests_total\{([^}]*)\} (\S+)/gm)) {
    all += Number(value)
    if (/result="hit"/.test(labels)) hits += Number(value)
  }
  return { hits, all }
}

/** Null: nothing was asked that could be cached. */
export function hitRateBetween(before: CacheCounts, after: CacheCounts): number | null {
  const all = after.all - before.all
  return all === 0 ? null : (after.hits - before.hits) / all
}
