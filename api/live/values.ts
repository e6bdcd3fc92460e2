import type { LiveColumns, LiveName, LiveQueries } from '../../ingest/index.ts'
import { type DeviceId, type MetricName, maySee, qualityNames, type SeriesId, type SiteId } from '../../model/index.ts'
import { formatTime } from '../time.ts'
import type { View } from './view.ts'

/** One reading of one series; its JSON is made when somebody is shown it, once. */
export class Value {
  readonly deviceId: DeviceId
  readonly siteId: SiteId
  readonly metric: MetricName
  readonly #timeMs: number
  readonly #value: number
  readonly #quality: number
  #json: string | undefined

  constructor(name: NonNullable<LiveName>, columns: LiveColumns, i: number) {
    this.deviceId = name.deviceId
    this.siteId = name.siteId
    this.metric = name.metric
    this.#timeMs = columns.timesMs[i] ?? Number.NaN
    this.#value = columns.values[i] ?? Number.NaN
    this.#quality = columns.quality[i] ?? 0
  }

  get json(): string {
    this.#json ??= JSON.stringify({
      deviceId: this.deviceId,
      metric: this.metric,
      time: formatTime(this.#timeMs),
      value: this.#value,
      quality: qualityNames[this.#quality] ?? 'good',
    })
    return this.#json
  }
}

/** The values of one moment, found by those who want some of them. */
export class Values {
  readonly all: readonly Value[]
  #byDevice: ReadonlyMap<DeviceId, readonly Value[]> | undefined
  #bySite: ReadonlyMap<SiteId, readonly Value[]> | undefined

  constructor(all: readonly Value[]) {
    this.all = all
  }

  of(view: View): readonly Value[] {
    const { metrics } = view
    const found = this.#placed(view)
    return metrics === undefined ? found : found.filter(({ metric }) => metrics.includes(metric))
  }

  #placed(view: View): readonly Value[] {
    const { sites, devices } = view
    if (devices !== undefined) {
      this.#byDevice ??= Map.groupBy(this.all, ({ deviceId }) => deviceId)
      const byDevice = this.#byDevice
      return devices.flatMap((id) => byDevice.get(id) ?? []).filter(({ siteId }) => maySee(sites, siteId))
    }
    if (sites === 'all') return this.all
    this.#bySite ??= Map.groupBy(this.all, ({ siteId }) => siteId)
    const bySite = this.#bySite
    return sites.flatMap((id) => bySite.get(id) ?? [])
  }
}

/** Names kept at most; beyond it all are asked for again. */
const mostNames = 200_000

/** What series are called, and where their devices are: asked once, and again when a device has changed. */
export function createDirectory({ names }: Pick<LiveQueries, 'names'>) {
  const known = new Map<SeriesId, LiveName>()
  let version = -1

  return {
    /** `registryVersion`: of a moment at which the columns were there. */
    async valuesOf(columns: LiveColumns, registryVersion = version): Promise<readonly Value[]> {
      const { seriesIds } = columns
      if (registryVersion !== version || known.size > mostNames) known.clear()
      version = registryVersion
      const missing = seriesIds.filter((id) => !known.has(id))
      const found = missing.length === 0 ? [] : await names(missing)
      missing.forEach((id, i) => void known.set(id, found[i] ?? null))
      const values: Value[] = []
      seriesIds.forEach((id, i) => {
        const name = known.get(id) ?? null
        if (name !== null) values.push(new Value(name, columns, i))
      })
      return values
    },
  }
}

export type Directory = ReturnType<typeof createDirectory>
