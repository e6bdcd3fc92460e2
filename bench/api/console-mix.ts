import type { Site } from './estate.ts'

/** What a request is for, in the figures of each. */
export interface Ask {
  readonly what: string
  readonly path: string
}

/** A page of the console: what it asks for when it is opened, and each time that it refreshes itself. */
export interface ConsolePage {
  readonly opened: (nowMs: number) => readonly Ask[]
  readonly refreshed: (nowMs: number) => readonly Ask[]
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** Values of a chart of the console's width. */
const maxPoints = 600

/** The overview of a site: every value of it, and what is wrong. */
export function overview({ id }: Site): ConsolePage {
  return {
    opened: () => [
      { what: 'sites', path: '/api/v1/sites' },
      { what: 'devices', path: `/api/v1/devices?siteId=${id}&limit=1000` },
      { what: 'assets', path: `/api/v1/assets?siteId=${id}&limit=1000` },
      { what: 'profiles', path: '/api/v1/profiles?limit=100' },
      { what: 'service-levels', path: '/api/v1/service-levels' },
    ],
    refreshed: () => [
      { what: 'site-latest', path: `/api/v1/sites/${id}/latest?limit=10000` },
      { what: 'alerts', path: `/api/v1/alerts?siteId=${id}&state=firing&limit=100` },
    ],
  }
}

/** A device: its values, its alerts, and its charts, which end at now: an hour, a day, the month. */
export function devicePage(site: Site, device: string): ConsolePage {
  const chart = (what: string, metrics: readonly string[], lengthMs: number, fn: string) => (nowMs: number) => {
    const series = metrics.map((metric) => `${device}/${metric}`).join(',')
    const range = `from=${nowMs - lengthMs}&to=${nowMs}`
    return { what, path: `/api/v1/readings?series=${series}&${range}&maxPoints=${maxPoints}&fn=${fn}` }
  }
  const band = (nowMs: number) => ({
    what: 'chart-day',
    path: `/api/v1/devices/${device}/readings?metric=power&from=${nowMs - dayMs}&to=${nowMs}&maxPoints=${maxPoints}&fn=avg,min,max`,
  })
  const hour = chart('chart-hour', ['voltage', 'current', 'power', 'frequency'], hourMs, 'avg')
  const month = chart('chart-month', ['power', 'energy'], 30 * dayMs, 'avg,max')
  return {
    opened: (nowMs) => [
      { what: 'device', path: `/api/v1/devices/${device}` },
      { what: 'rules', path: `/api/v1/rules?deviceId=${device}&limit=100` },
      { what: 'device-alerts', path: `/api/v1/alerts?siteId=${site.id}&deviceId=${device}&limit=20` },
      month(nowMs),
    ],
    refreshed: (nowMs) => [
      { what: 'device-latest', path: `/api/v1/devices/${device}/latest` },
      { what: 'alerts', path: `/api/v1/alerts?siteId=${site.id}&state=firing&limit=100` },
      hour(nowMs),
      band(nowMs),
    ],
  }
}
