import { isMetricName, type MetricName, type ReadingBatchBuilder, type SeriesId } from '../model/index.ts'
import type { DeviceMemory } from './memory/device-memory.ts'
import type { Memory } from './memory/memory.ts'
import type { NewSeries, SeriesNames } from './series-names.ts'

/** A series that has no id yet; until it has, its readings carry a number below 0 in its place. */
export interface UnnamedSeries {
  readonly memory: Memory
  readonly device: DeviceMemory
  readonly slot: number
  readonly provisionalId: number
  readonly wanted: NewSeries
}

/**
 * Gives series their ids without making the reading of the log wait for state: a new series gets a provisional id, and
 * state is asked once for all new ones of a batch before the batch is stored. Several memories may share it.
 */
export interface SeriesNaming {
  /** Gives a new metric of the memory's device a slot. */
  addMetric(memory: Memory, device: DeviceMemory, name: string): number
  /** The series that state must be asked for, since it was called last. */
  takeUnnamed(): readonly UnnamedSeries[]
  /** Asks state; resolves once the ids are durable. */
  name(series: readonly UnnamedSeries[]): Promise<void>
  /** The id behind a provisional one; 0: it has not been named yet. Any other number is itself. */
  idOf(number: number): SeriesId
  /** Puts the ids in the place of provisional ones, all of which must have been named. */
  replaceProvisional(batch: ReadingBatchBuilder): void
}

export function createSeriesNaming(names: SeriesNames): SeriesNaming {
  /** Index -provisionalId; one for each series that began in this process. */
  const ids: SeriesId[] = [0]
  let unnamed: UnnamedSeries[] = []

  function wantedSeries(device: DeviceMemory, metric: MetricName, known: boolean): NewSeries {
    const { id, number, profileId } = device.record
    return { deviceId: id, deviceNumber: number, metric, profileId, known }
  }

  return {
    addMetric(memory, device, name) {
      if (!isMetricName(name)) throw new RangeError(`add metric ${JSON.stringify(name)} failed: no such name`)
      const rule = memory.ruleOf(device, name)
      const known = names.find(device.record.number, name)
      if (known !== undefined) {
        memory.devicesBySeries.set(known, device)
        return device.addMetric(name, rule, known)
      }
      const provisionalId = -ids.length
      ids.push(0)
      const slot = device.addMetric(name, rule, provisionalId)
      unnamed.push({ memory, device, slot, provisionalId, wanted: wantedSeries(device, name, rule.known) })
      return slot
    },

    takeUnnamed() {
      const taken = unnamed
      unnamed = []
      return taken
    },

    async name(series) {
      const made = await names.ensure(series.map(({ wanted }) => wanted))
      series.forEach(({ memory, device, slot, provisionalId }, i) => {
        const seriesId = made[i]?.seriesId
        if (seriesId === undefined) throw new RangeError(`name ${series.length} series failed: got ${made.length}`)
        ids[-provisionalId] = seriesId
        device.seriesIds[slot] = seriesId
        if (memory.devices.get(device.record.id) === device) memory.devicesBySeries.set(seriesId, device)
      })
    },

    idOf: (number) => (number < 0 ? (ids[-number] ?? 0) : number),

    replaceProvisional({ seriesIds, length }) {
      for (let i = 0; i < length; i++) {
        const id = seriesIds[i] ?? 0
        if (id < 0) seriesIds[i] = ids[-id] ?? 0
      }
    },
  }
}
