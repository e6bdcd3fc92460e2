import type { ReadingBatch } from '../../../model/index.ts'
import type { RefusedReading } from '../reading-store.ts'
import type { Connection } from './connection.ts'
import type { Layout } from './layout.ts'
import { LineEncoder } from './line-encoder.ts'
import { createNewestLookup } from './newest-lookup.ts'
import { PointStage } from './point-stage.ts'
import { deliver, type RefusalDeps } from './refusals.ts'
import type { ChangedDay, Rollups } from './rollups.ts'

const dayMs = 86_400_000

/** Characters of line protocol in one request; InfluxDB takes 25 MB. */
const requestLength = 4 * 1024 * 1024

export interface Writer {
  /** Resolves with what the server will never take; all else is stored. Rejects with what the connection rejects with. */
  write(batch: ReadingBatch): Promise<readonly RefusedReading[]>
  /** Since the start. */
  readonly lateRows: number
}

export interface WriterDeps {
  readonly connection: Connection
  readonly layout: Layout
  readonly rollups: Rollups
}

export function createWriter({ connection, layout, rollups }: WriterDeps): Writer {
  const stage = new PointStage(layout)
  const encoder = new LineEncoder(layout, stage)
  const newest = createNewestLookup(connection, layout, stage.newest)
  let lateRows = 0

  function delivery(batch: ReadingBatch): RefusalDeps {
    const refusals = new Map<number, string>()
    return {
      batch,
      stage,
      layout,
      refusals,
      encode: (points) => points.map((point) => encoder.encode(batch, point, refusals)).join(''),
      send: async (lines) => {
        if (lines !== '') await connection.write(lines.slice(0, -1))
      },
    }
  }

  /** Points [from, to) in requests of a bounded length. */
  async function store(from: number, to: number, deps: RefusalDeps): Promise<void> {
    let points: number[] = []
    let lines = ''
    for (let point = from; point < to; point++) {
      points.push(point)
      lines += encoder.encode(deps.batch, point, deps.refusals)
      if (lines.length < requestLength && point < to - 1) continue
      await deliver(points, deps, lines)
      points = []
      lines = ''
    }
  }

  /** Days of places that are rolled up, and no longer right once the batch is stored. */
  function changedBy({ timesMs, seriesIds }: ReadingBatch): readonly ChangedDay[] {
    const changed = new Map<string, ChangedDay>()
    for (let point = 0; point < stage.length; point++) {
      const i = stage.items[stage.starts[point] ?? 0] ?? 0
      const timeMs = Math.floor(timesMs[i] ?? 0)
      if (timeMs >= rollups.trackedMs) continue
      const place = layout.places[layout.placeOf[seriesIds[i] ?? 0] ?? 0]
      if (place === undefined || !rollups.isChange(place.key, timeMs)) continue
      const { measurement, device, number, key } = place
      const day = Math.floor(timeMs / dayMs)
      changed.set(`${key}\0${day}`, { measurement, device, number, day })
    }
    return [...changed.values()]
  }

  return {
    async write(batch) {
      layout.place(batch)
      await newest.load()
      stage.stage(batch)
      const deps = delivery(batch)
      for (const index of stage.outOfTime) deps.refusals.set(index, 'InfluxDB keeps times from 1677 to 2262 only')
      // Before anything of it is stored, so that no crash can leave rollups that are taken for right.
      await rollups.note(changedBy(batch))
      // First the points in order: a late one may be one of them, and the later request wins.
      await store(0, stage.late, deps)
      await store(stage.late, stage.length, deps)
      stage.committed(batch)
      lateRows += stage.length - stage.late
      const refused = Array.from(deps.refusals, ([index, reason]) => ({ index, reason }))
      return refused.sort((a, b) => a.index - b.index)
    },
    get lateRows() {
      return lateRows
    },
  }
}
