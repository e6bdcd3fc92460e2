import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  idPattern,
  isAppError,
  isDeviceId,
  isMetricName,
  nativeTopic,
  parseAssetId,
  parseDeviceId,
  parseMetricName,
  parseSiteId,
} from '../../model/index.ts'

test.each(['m1', 'Trafo-1', '0', 'a.b_c:d-e', 'key', 'alert', 'alerts2', 'x'.repeat(64)])(
  '%s is a device id',
  (text) => {
    expect(parseDeviceId(text)).toBe(text)
  },
)

test.each(['', '-m1', '.m1', ':m1', '_m1', 'a/b', 'a+', 'a#', '$a', 'a b', 'a\u0000', 'ä', 'm1\n', 'x'.repeat(65)])(
  '%j is an id of nothing',
  (text) => {
    for (const parse of [parseDeviceId, parseSiteId, parseAssetId])
      expect(() => parse(text)).toThrow(/^parse .* failed$/)
  },
)

test.each(['alerts', 'key:abc', 'key:'])('%s is reserved: no device may have it, a site may', (text) => {
  expect(isDeviceId(text)).toBe(false)
  expect(() => parseDeviceId(text)).toThrow('parse device id')
  expect(parseSiteId(text)).toBe(text)
})

test('whatever is an id is one topic level and one path segment', () => {
  fc.assert(
    fc.property(fc.stringMatching(idPattern), (id) => {
      expect(encodeURIComponent(id).replaceAll('%3A', ':')).toBe(id)
      expect(nativeTopic.telemetry(parseDeviceId(`d${id.slice(1)}`)).split('/')).toHaveLength(4)
    }),
  )
})

test('a parser takes any text, and a refusal quotes at most 80 characters of it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 1_000 }), (text) => {
      try {
        expect(parseDeviceId(text)).toMatch(idPattern)
      } catch (error) {
        expect(isAppError(error, 'invalid_input')).toBe(true)
        expect(String(error).length).toBeLessThan(600)
      }
    }),
  )
})

test.each(['voltage_l1', '_private', 'A', 'p95'])('%s is a metric name', (text) => {
  expect(parseMetricName(text)).toBe(text)
})

test.each(['', '1st', 'a-b', 'a.b', 'a b', 'é', 'a\n', 'x'.repeat(65)])('%j is no metric name', (text) => {
  expect(isMetricName(text)).toBe(false)
  expect(() => parseMetricName(text)).toThrow('parse metric name')
})
