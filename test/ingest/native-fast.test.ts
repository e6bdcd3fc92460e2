import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { EncodedMessage } from '../../ingest/decoders/decoder.ts'
import { createNativeFast } from '../../ingest/decoders/native-fast.ts'
import { decodeNativeJson } from '../../ingest/decoders/native-json.ts'
import { NumberScanner } from '../../ingest/decoders/number-bytes.ts'
import { MessageDraft } from '../../ingest/draft.ts'
import { DeviceMemory } from '../../ingest/memory/device-memory.ts'
import { ProfileRules } from '../../ingest/memory/metric-rule.ts'
import { parseMetricName } from '../../model/index.ts'
import { deviceRecord, noon } from './frame-script.ts'

const names = ['voltage', 'current', 'a', 'values_of', 'tsx']

/** The device already has its metrics; further ones get the next slots. */
function newDraft(): MessageDraft {
  const device = new DeviceMemory(deviceRecord('m1', 1), new Uint8Array(0))
  const addMetric = (to: DeviceMemory, name: string) =>
    to.addMetric(parseMetricName(name), new ProfileRules(undefined, { stuckIntervals: 0 }).of(name), 1)
  for (const name of names) addMetric(device, name)
  return new MessageDraft(device, { maxMetrics: 10, lateHorizonMs: 86_400_000, addMetric })
}

/** The payload with bytes before and after it, as it lies in the log. */
function encode(payload: string, behind: string): EncodedMessage {
  const before = Buffer.from('{"a":1}')
  const text = Buffer.from(payload)
  const bytes = Buffer.concat([before, text, Buffer.from(behind)])
  return { bytes, start: before.length, end: before.length + text.length, metric: '' }
}

interface Outcome {
  readonly rows: readonly { readonly timeMs: number; readonly values: readonly (readonly [number, number])[] }[]
  readonly problems: readonly string[]
}

function outcomeOf(draft: MessageDraft): Outcome {
  const rows = Array.from({ length: draft.rowCount }, (_, row) => {
    const from = row === 0 ? 0 : (draft.rowEnds[row - 1] ?? 0)
    const slots = [...draft.slots.subarray(from, draft.rowEnds[row])]
    const values = slots.map((slot, i) => [slot, draft.values[from + i] ?? 0] as const)
    return { timeMs: draft.rowTimesMs[row] ?? 0, values: values.sort(([a], [b]) => a - b) }
  })
  return { rows, problems: [...draft.problems.keys()] }
}

const space = fc.constantFrom('', '', '', ' ', '\n', '\t \r')
const number = fc.oneof(
  fc.double({ noNaN: true }).map(String),
  fc.integer().map(String),
  fc.tuple(fc.integer({ min: -99_999, max: 99_999 }), fc.stringMatching(/^\d{1,25}$/)).map(([a, b]) => `${a}.${b}`),
  fc.constantFrom(
    '-0',
    '0.0',
    '1e5',
    '1E-7',
    '1e999',
    '-1e999',
    '01',
    '1.',
    '.5',
    '-',
    '+1',
    '1e',
    '0x1',
    'NaN',
    '-Infinity',
  ),
)
const junk = fc.oneof(
  fc.json(),
  fc.constantFrom('true', 'false', 'null', '"x"', '"12"', '{}', '[]', '{"a":1}', '"\\u0061"', '', '}', ',', '"'),
)
const key = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...names).map((name) => `"${name}"`) },
  fc.constantFrom('"ts"', '"values"', '"new"', '"\\u0061"', '"é"', '""', 'a', '"a', '"2x"'),
)
const time = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: noon - 90_000_000, max: noon + 90_000_000 }).map(String) },
  fc.constantFrom('1795435200', '1795435200.5', '"2026-11-23T12:00:00Z"', '1e999', 'null', '0', '-1'),
)
const values = fc
  .array(fc.tuple(key, fc.oneof({ weight: 12, arbitrary: number }, junk), space), { maxLength: 6 })
  .map((members) => `{${members.map(([k, v, s]) => `${s}${k}${s}:${s}${v}${s}`).join(',')}}`)
const row = fc.oneof(
  values,
  fc.tuple(time, values, space).map(([t, v, s]) => `{"ts":${s}${t}${s},${s}"values":${v}${s}}`),
  fc.tuple(time, values).map(([t, v]) => `{"values":${v},"ts":${t}}`),
  fc.tuple(time, values).map(([t, v]) => `{"ts":${t},${v.slice(1)}`),
  junk,
)
const payload = fc.oneof(
  { weight: 6, arbitrary: row },
  { weight: 2, arbitrary: fc.array(row, { maxLength: 4 }).map((rows) => `[${rows.join(',')}]`) },
  row.chain((text) => fc.nat(text.length).map((cut) => text.slice(0, cut))),
  fc.array(row, { maxLength: 3 }).map((rows) => `[${rows.join(',')}`),
)

describe('the fast decoder', () => {
  test('agrees with the general one on whatever it accepts', () => {
    const decodeFast = createNativeFast()
    let accepted = 0
    fc.assert(
      fc.property(
        fc.array(payload, { minLength: 1, maxLength: 3 }),
        fc.constantFrom('', ' ', ']', '}', '\n}]', '1', ',"a":1}', ']]}'),
        (payloads, behind) => {
          // One device sends them all, so that what was learnt from one meets the next.
          const fast = newDraft()
          for (const text of payloads) {
            const general = newDraft()
            general.begin(general.device, noon)
            fast.begin(fast.device, noon)
            const message = encode(text, behind)
            if (!decodeFast(message, fast)) {
              expect(outcomeOf(fast)).toEqual({ rows: [], problems: [] })
              continue
            }
            accepted++
            decodeNativeJson(message, general)
            expect(outcomeOf(fast)).toEqual(outcomeOf(general))
          }
        },
      ),
      { numRuns: 3000 },
    )
    expect(accepted).toBeGreaterThan(300)
  })

  test.each([
    '{"voltage":229.8,"current":4.25}',
    '{"ts":1795435200000,"values":{"voltage":229.8,"current":4.25}}',
    ' { "ts" : 1795435200.123 , "values" : { "voltage" : -229.8 , "current" : 1e-3 } } ',
    '[{"ts":1795435200000,"values":{"voltage":1}},{"current":2}]',
    '{"ts":1795435200000,"voltage":0.1}',
    '{"voltage":229.80000305175781}',
  ])('reads %s itself', (text) => {
    const draft = newDraft()
    draft.begin(draft.device, noon)
    expect(createNativeFast()(encode(text, '{'), draft)).toBe(true)
  })

  test.each([
    '{"voltage":229.8,"new":1}',
    '{"voltage":"1"}',
    '{"voltage":1,"voltage":2}',
    '{"ts":1795435200000,"values":{"voltage":1},"seq":5}',
    '{"ts":1,"values":{"voltage":1}}',
    '{"voltage":1',
    '[{"voltage":1}',
  ])('leaves %s to the general one', (text) => {
    const draft = newDraft()
    draft.begin(draft.device, noon)
    expect(createNativeFast()(encode(text, ']'), draft)).toBe(false)
  })
})

describe('numbers from bytes', () => {
  test('are the ones that JSON.parse reads, to the last bit, and nothing else is a number', () => {
    const scanner = new NumberScanner()
    fc.assert(
      fc.property(number, fc.constantFrom(',', '}', ' ', ''), (text, behind) => {
        const read = scanner.scan(Buffer.from(` ${text}${behind}`), 1)
        let expected = Number.NaN
        try {
          expected = JSON.parse(text)
        } catch {
          // Not JSON: the scanner reads none, or stops before what is wrong.
          expect(Number.isNaN(read) || scanner.end < 1 + text.length).toBe(true)
          return
        }
        expect(read).toBe(expected)
        expect(scanner.end).toBe(1 + text.length)
      }),
      { numRuns: 5000 },
    )
  })
})
