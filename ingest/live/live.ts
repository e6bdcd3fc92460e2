import { type Clock, type DeviceId, maySee, type ReadingBatch } from '../../model/index.ts'
import type { LogPosition } from '../../store/log/index.ts'
import type { DeviceMemory } from '../memory/device-memory.ts'
import type { Memory } from '../memory/memory.ts'
import { cell, cellsPerSeries } from '../memory/series-cells.ts'
import type { LiveColumns, LiveQueries, LiveSelection, PresenceChange } from '../ports.ts'
import { isOnline } from '../queries.ts'
import type { SeriesNaming } from '../series-naming.ts'
import { ColumnList } from './column-list.ts'
import { ReadingRing } from './reading-ring.ts'
import { Told } from './told.ts'

export interface LiveDeps {
  /** Of the walk at the front of the log. */
  readonly memory: Memory
  readonly naming: Pick<SeriesNaming, 'idOf'>
  readonly clock: Clock
  /** How far the front is. */
  position(): LogPosition
}

export interface Live {
  readonly queries: LiveQueries
  /**
   * After each turn of the front: what it has gathered so far; undefined: it gathers nothing now. A number is looked at unless
   * somebody follows.
   */
  passed(batch: ReadingBatch | undefined): void
}

/** Nobody has asked for so long: readings are not held any more. */
const lingerMs = 10 * 60_000

/**
 * What is new, for those who follow it. The way of a reading is the same whether somebody does or not: who asks looks through
 * the devices that were heard since, and only whole stretches are copied into the ring, while somebody has asked lately.
 */
export function createLive({ memory, naming, clock, position }: LiveDeps): Live {
  let ring: ReadingRing | undefined
  let askedMs = Number.NEGATIVE_INFINITY
  let told = new Told()
  /** Devices heard since then, on the log's clock, are looked at. */
  let sinceMs = Number.POSITIVE_INFINITY
  let online: Set<DeviceMemory> | undefined

  function begin(): void {
    if (ring !== undefined) return
    ring = new ReadingRing(position())
    told = new Told()
    sinceMs = memory.nowMs
  }

  function end(): void {
    ring = undefined
    online = undefined
  }

  function changedValues(): LiveColumns {
    const list = new ColumnList()
    let waiting = false
    for (const device of memory.devices.values())
      if (device.presence.lastSeenMs >= sinceMs)
        eachLatest(device, undefined, (slot, timeMs, value, quality) => {
          const seriesId = naming.idOf(device.seriesIds[slot] ?? 0)
          if (seriesId === 0) waiting = true
          else if (told.tell(seriesId, timeMs, value)) list.push(seriesId, timeMs, value, quality)
        })
    // A series that has no id yet is looked at again.
    if (!waiting) sinceMs = memory.nowMs
    return list.columns()
  }

  function changedPresence(): readonly PresenceChange[] | null {
    const isFirst = online === undefined
    online ??= new Set()
    const changes: PresenceChange[] = []
    for (const device of memory.devices.values()) {
      const isNow = isOnline(memory, device)
      if (isNow === online.has(device)) continue
      if (isNow) online.add(device)
      else online.delete(device)
      changes.push(toChange(device, isNow))
    }
    for (const device of online) if (memory.devices.get(device.record.id) !== device) online.delete(device)
    return isFirst ? null : changes
  }

  function* selected({ sites, devices }: LiveSelection): Iterable<DeviceMemory> {
    const named = devices?.flatMap((id) => memory.devices.get(id as DeviceId) ?? [])
    for (const device of named ?? memory.devices.values()) if (maySee(sites, device.record.siteId)) yield device
  }

  return {
    passed(batch) {
      if (ring === undefined) return
      if (clock.now() - askedMs > lingerMs) return end()
      if (batch === undefined) ring.skip(position())
      else ring.take(batch, position())
    },
    queries: {
      async news(ask) {
        askedMs = clock.now()
        begin()
        return {
          position: position(),
          registryVersion: memory.registryVersion,
          values: ask.values ? changedValues() : new ColumnList().columns(),
          presence: ask.presence ? changedPresence() : [],
        }
      },

      async latest(selection, limit) {
        const list = new ColumnList()
        for (const device of selected(selection)) {
          eachLatest(device, selection.metrics, (slot, timeMs, value, quality) => {
            const seriesId = naming.idOf(device.seriesIds[slot] ?? 0)
            if (seriesId > 0 && list.length < limit) list.push(seriesId, timeMs, value, quality)
          })
          if (list.length >= limit) break
        }
        return list.columns()
      },

      async replay(selection, after, limit) {
        const held = ring
        if (held === undefined) return undefined
        const wanted = createWanted(memory, selection)
        const places: number[] = []
        const isWhole = held.since(after, (at) => {
          const seriesId = naming.idOf(held.seriesId(at))
          if (seriesId > 0 && wanted(seriesId, held.receivedMs(at))) places.push(at)
        })
        if (!isWhole) return undefined
        const list = new ColumnList()
        for (const at of places.length > limit ? newestOfEach(places, held, naming) : places)
          list.push(naming.idOf(held.seriesId(at)), held.timeMs(at), held.value(at), held.quality(at))
        return list.length > limit ? undefined : list.columns()
      },

      async names(seriesIds) {
        return [...seriesIds].map((seriesId) => {
          const device = memory.devicesBySeries.get(seriesId)
          const metric = device?.metrics[device.seriesIds.indexOf(seriesId)]
          if (device === undefined || metric === undefined) return null
          return { deviceId: device.record.id, siteId: device.record.siteId, metric }
        })
      },
    },
  }
}

function eachLatest(
  device: DeviceMemory,
  metrics: readonly string[] | undefined,
  each: (slot: number, timeMs: number, value: number, quality: number) => void,
): void {
  for (const [slot, metric] of device.metrics.entries()) {
    const timeMs = device.lastTimeMs(slot)
    if (timeMs === Number.NEGATIVE_INFINITY || metrics?.includes(metric) === false) continue
    const at = slot * cellsPerSeries
    each(slot, timeMs, device.cells[at + cell.lastValue] ?? Number.NaN, device.cells[at + cell.lastQuality] ?? 0)
  }
}

/** Whether a reading is of the selection, and of the site where its device is now. */
function createWanted(memory: Memory, { sites, devices, metrics }: LiveSelection) {
  return (seriesId: number, receivedMs: number): boolean => {
    const device = memory.devicesBySeries.get(seriesId)
    if (device === undefined || !maySee(sites, device.record.siteId) || receivedMs <= device.siteSinceMs) return false
    if (devices?.includes(device.record.id) === false) return false
    return metrics === undefined || metrics.includes(device.metrics[device.seriesIds.indexOf(seriesId)] ?? '')
  }
}

function newestOfEach(places: readonly number[], ring: ReadingRing, naming: Pick<SeriesNaming, 'idOf'>): number[] {
  const newest = new Map<number, number>()
  for (const at of places) {
    const seriesId = naming.idOf(ring.seriesId(at))
    const known = newest.get(seriesId)
    if (known === undefined || ring.timeMs(at) >= ring.timeMs(known)) newest.set(seriesId, at)
  }
  return [...newest.values()]
}

function toChange(device: DeviceMemory, isNowOnline: boolean): PresenceChange {
  const { record, presence } = device
  const lastSeenMs = Number.isNaN(presence.lastSeenMs) ? null : presence.lastSeenMs
  return { deviceId: record.id, siteId: record.siteId, online: isNowOnline, lastSeenMs }
}
