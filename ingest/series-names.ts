import { setImmediate as nextTurn } from 'node:timers/promises'
import type { DeviceId, MetricName, SeriesId } from '../model/index.ts'
import type { SeriesCatalog, SeriesInfo } from '../store/readings/index.ts'
import type { HighestNumbers } from '../store/state/index.ts'
import { doesNotFit } from './fit.ts'
import type { IngestSeries } from './ports.ts'

/** A series before it has its id. */
export type NewSeries = Omit<SeriesInfo, 'seriesId'>

/** Every series there is, in memory, before and as it is made. */
export interface SeriesNames extends SeriesCatalog {
  /** Reads all series, the first time it is called; before anything else. */
  load(): Promise<void>
  /** The id of a series that is known already. */
  find(deviceNumber: number, metric: MetricName): SeriesId | undefined
  /**
   * Makes what is missing; durable when it resolves; index i answers wanted[i]. Rejects for a device that state has
   * never numbered: it would number another one so, and their readings would be one device's.
   */
  ensure(wanted: readonly NewSeries[]): Promise<readonly SeriesInfo[]>
  /** What state has handed out. */
  highest(): Promise<HighestNumbers>
}

const pageSize = 10_000
/** State is synchronous, some 0.3 ms a series: in between others have their turn. */
const madeAtOnce = 25

/** Made before the readings store, which lays its rows out by it, and handed to both. */
export function createSeriesNames(registry: IngestSeries): SeriesNames {
  const byId = new Map<SeriesId, SeriesInfo>()
  const byDevice = new Map<number, Map<MetricName, SeriesId>>()
  const bearers = new Map<DeviceId, readonly number[]>()

  let loaded: Promise<void> | undefined
  /** Devices up to here are known to have been numbered by state. */
  let numbered = 0

  function add(info: SeriesInfo): void {
    byId.set(info.seriesId, info)
    const metrics = byDevice.get(info.deviceNumber)
    if (metrics !== undefined) {
      metrics.set(info.metric, info.seriesId)
      return
    }
    byDevice.set(info.deviceNumber, new Map([[info.metric, info.seriesId]]))
    const numbers = [...(bearers.get(info.deviceId) ?? []), info.deviceNumber]
    bearers.set(
      info.deviceId,
      numbers.sort((a, b) => a - b),
    )
  }

  async function loadAll(): Promise<void> {
    let after: SeriesId | undefined
    do {
      const page = await registry.list({ limit: pageSize, after })
      for (const info of page.items) add(info)
      after = page.next ?? undefined
    } while (after !== undefined)
  }

  async function checkNumbered(wanted: readonly NewSeries[]): Promise<void> {
    const highest = wanted.reduce((most, { deviceNumber }) => Math.max(most, deviceNumber), 0)
    if (highest > numbered) numbered = (await registry.highest()).device
    if (highest > numbered)
      throw doesNotFit(`state is older than the log: it knows ${numbered} devices, not ${highest}`)
  }

  return {
    get: (seriesId) => byId.get(seriesId),
    bearersOf: (deviceId) => bearers.get(deviceId) ?? [],
    find: (deviceNumber, metric) => byDevice.get(deviceNumber)?.get(metric),

    load: () => (loaded ??= loadAll()),

    highest: () => registry.highest(),

    async ensure(wanted) {
      await checkNumbered(wanted)
      const made: SeriesInfo[] = []
      for (let from = 0; from < wanted.length; from += madeAtOnce) {
        for (const info of await registry.ensure(wanted.slice(from, from + madeAtOnce))) {
          add(info)
          made.push(info)
        }
        await nextTurn()
      }
      return made
    },
  }
}
