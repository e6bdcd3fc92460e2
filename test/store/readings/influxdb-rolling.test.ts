import { expect, test } from 'vitest'
import type { Connection } from '../../../store/readings/influxdb/connection.ts'
import { rollUpSource } from '../../../store/readings/influxdb/rolling.ts'

const slotMs = 900_000
const source = { measurement: 'meter', fields: ['energy', 'power'] }
const step = { fromMs: 0, toMs: 2 * slotMs }

/** An InfluxDB that answers any question with these rows of one device: time, then six columns a field. */
function answering(rows: readonly (readonly unknown[])[]): Connection {
  return {
    async *query() {
      yield { statement: 0, name: 'meter', tags: { device: 'm1', device_number: '1' }, columns: [], rows }
    },
    write: async () => undefined,
    ping: async () => true,
    close: () => undefined,
  }
}

test('of a slot that is being written, a field of which not every column has come yet has no rollup', async () => {
  const whole = [10, 55, 1, 10, 1, 10]
  const torn = [10, null, null, 10, 1, 10]
  const rows = [
    [0, ...whole, ...whole],
    [slotMs, ...torn, ...whole],
  ]
  const { lines, beyond } = await rollUpSource(answering(rows), source, step)
  expect(beyond).toEqual([])
  expect(lines).not.toContain('NaN')
  const fieldsAt = (timeMs: number) => {
    const line = lines.split('\n').find((one) => one.endsWith(` ${timeMs}`)) ?? ''
    return [...line.matchAll(/(\w+?)__count=/g)].map(([, field]) => field)
  }
  expect([fieldsAt(0), fieldsAt(slotMs)]).toEqual([['energy', 'power'], ['power']])
})
