import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  carried,
  lineKey,
  lineMeasurement,
  qualityField,
  quoteName,
  quoteText,
  valueField,
} from '../../../store/readings/influxdb/names.ts'

test('an ordinary name is written as it is', () => {
  expect([lineMeasurement('meter-3ph'), lineKey('voltage_l1'), lineKey('größe')]).toEqual([
    'meter-3ph',
    'voltage_l1',
    'größe',
  ])
  expect([valueField('voltage'), qualityField('voltage')]).toEqual(['voltage', 'voltage__q'])
  expect([quoteName('meter-1ph'), quoteText('meter-1')]).toEqual(['"meter-1ph"', "'meter-1'"])
})

test('what separates is escaped, and what a line cannot carry is written as %XX', () => {
  expect(lineMeasurement('a b,c=d')).toBe('a\\ b\\,c=d')
  expect(lineKey('a b,c=d')).toBe('a\\ b\\,c\\=d')
  expect(lineKey('a\\\n%#')).toBe('a%5C%0A%25#')
  expect(lineMeasurement('#comment')).toBe('%23comment')
  expect(quoteName('a "b"')).toBe('"a \\"b\\""')
  expect(quoteText("it's; DROP DATABASE x --\\")).toBe("'it\\'s; DROP DATABASE x --%5C'")
})

test('no two names are written alike', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary-ascii' }), fc.string({ unit: 'binary-ascii' }), (a, b) => {
      fc.pre(a !== b)
      expect(carried(a)).not.toBe(carried(b))
    }),
    { numRuns: 2_000 },
  )
})

test('no two metrics share a field, neither for their values nor for their qualities', () => {
  const part = fc.constantFrom(
    'v',
    '_',
    '__q',
    'time',
    'device',
    'received_ms',
    'metric',
    'quality',
    '_q',
    'device_number',
  )
  const metric = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(metric, metric, (a, b) => {
      const fields =
        a === b ? [valueField(a), qualityField(a)] : [a, b].flatMap((name) => [valueField(name), qualityField(name)])
      expect(new Set(fields).size).toBe(fields.length)
      for (const field of fields)
        expect(['time', 'device', 'device_number', 'received_ms', 'device_time_ms']).not.toContain(field)
    }),
    { numRuns: 5_000 },
  )
})
