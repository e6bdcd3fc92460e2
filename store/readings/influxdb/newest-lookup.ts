import type { NewestTimes } from '../newest-times.ts'
import type { Connection } from './connection.ts'
import type { Layout, Place } from './layout.ts'
import { deviceNumberTag, deviceTag, quoteCarried, quoteName, receivedField } from './names.ts'

/**
 * What an earlier run has stored: asked once for each measurement, so that points newer than it are known to be new. A
 * place that has nothing stored stays unknown.
 */
export interface NewestLookup {
  /** Looks up the places that the layout has more of than last time. */
  load(): Promise<void>
}

export function createNewestLookup(connection: Connection, layout: Layout, newest: NewestTimes): NewestLookup {
  /** By measurement, and device: the newest time. */
  const stored = new Map<string, Map<string, number>>()
  let looked = 0

  async function ask(measurement: string): Promise<Map<string, number>> {
    const times = new Map<string, number>()
    // Every point has this field; its last value comes with the time of its point.
    const sql = `SELECT LAST(${quoteName(receivedField)}) FROM ${quoteCarried(measurement)}
      GROUP BY ${quoteName(deviceTag)}, ${quoteName(deviceNumberTag)}`
    for await (const { tags, rows } of connection.query(sql)) {
      const [timeMs] = rows[0] ?? []
      if (typeof timeMs === 'number') times.set(keyOf(tags[deviceTag] ?? '', tags[deviceNumberTag] ?? ''), timeMs)
    }
    return times
  }

  async function look({ index, measurement, device, number }: Place): Promise<void> {
    const times = stored.get(measurement) ?? (await ask(measurement))
    stored.set(measurement, times)
    const timeMs = times.get(keyOf(device, number))
    if (timeMs !== undefined) newest.store(index, timeMs)
  }

  return {
    async load() {
      for (; looked < layout.places.length; looked++) {
        const place = layout.places[looked]
        if (place !== undefined) await look(place)
      }
    },
  }
}

function keyOf(device: string, number: string): string {
  return `${device}\0${number}`
}
