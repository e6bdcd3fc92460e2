import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createTelemetryCheck, ingestConfigSchema } from '../../ingest/index.ts'
import { type DeviceRecord, parseDeviceId, parseProfileId, parseSiteId } from '../../model/index.ts'
import { noon } from './frame-script.ts'

const config = ingestConfigSchema.parse({})
const device: DeviceRecord = {
  id: parseDeviceId('m1'),
  number: 1,
  siteId: parseSiteId('main'),
  profileId: parseProfileId('meter-1ph'),
  name: '',
  assetId: null,
  gatewayId: null,
  attributes: {},
  tags: [],
  limits: {},
}
/** In parts, as only long messages are otherwise; and as a whole. */
const inParts = createTelemetryCheck(config, 4)
const whole = createTelemetryCheck(config, Number.POSITIVE_INFINITY)
const usual = createTelemetryCheck(config)

const mib = 1024 * 1024
/** As many as go into a MiB. */
const filled = (begin: string, one: (i: number) => string, end: string) => {
  const parts: string[] = []
  for (let i = 0, length = begin.length + end.length; ; i++) {
    length += one(i).length + 1
    if (length > mib) return begin + parts.join(',') + end
    parts.push(one(i))
  }
}

const faults = (check: typeof usual, text: string) => check(Buffer.from(text), device, noon)

describe('a long message', () => {
  const name = fc.constantFrom('a', 'power', 'values', 'ts', 'bad name', 'quote"', '}', ']', ',')
  const scalar = fc.oneof(fc.double(), fc.integer(), fc.boolean(), fc.string(), fc.constantFrom(null, noon, '\\', '['))
  const values = fc.dictionary(name, fc.oneof({ depthSize: 'small' }, scalar, fc.array(scalar)))
  const row = fc.oneof(
    values,
    values.map((inside) => ({ ts: noon, values: inside })),
    scalar,
  )
  const text = fc.oneof(fc.array(row), row).map((value) => JSON.stringify(value))
  const spoilt = fc
    .tuple(text, fc.nat(), fc.nat(2), fc.constantFrom(',', '[', ']', '{', '}', '"', '\\', ' ', ':', '1', 'NaN', '\n'))
    .map(([good, at, gone, extra]) => {
      const place = at % (good.length + 1)
      return good.slice(0, place) + extra + good.slice(place + gone)
    })

  test('is taken in parts when it is taken as a whole, and refused when it is not', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(text, spoilt), async (message) => {
        expect([message, (await faults(inParts, message)).length > 0]).toEqual([
          message,
          (await faults(whole, message)).length > 0,
        ])
      }),
      { numRuns: 3_000 },
    )
  })

  test.each([
    '[]',
    '[ ]',
    '[{"a":1},]',
    '[,{"a":1}]',
    '[{"a":1},,{"a":2}]',
    '[{"a":1}',
    '[{"a":1}}',
    '[{"a":1]]',
    '[{"a":1}] 1',
    '[{"a":1}],',
    '{"a":1}]',
    '[{"a":"]',
    '[{"a":1},{"a":"\\"}]',
    '\u00a0[{"a":1}]',
    '',
  ])('%j is refused in parts, too', async (message) => {
    expect(await faults(whole, message)).not.toEqual([])
    expect(await faults(inParts, message)).not.toEqual([])
  })

  test('says what is wrong in its first part that has something wrong', async () => {
    const message = filled('[', (i) => (i < 5_000 ? '{"a":1}' : i === 5_000 ? '{"a":"high"}' : '{"b":null}'), ']')
    expect((await faults(usual, message))[0]).toMatchObject({ reason: 'wrong_type', detail: /^a: "high", b: null/ })
  })

  test('has no more metrics than its device may have, wherever they are in it', async () => {
    const message = filled('[', (i) => `{"k${Math.floor(i / 100)}":1}`, ']')
    expect(await faults(usual, message)).toMatchObject([{ reason: 'too_many_metrics' }])
    expect(
      await faults(
        usual,
        filled('[', (i) => `{"k${i % 200}":1}`, ']'),
      ),
    ).toEqual([])
  })

  test('that costs its reader more than any telemetry does is refused before it is read', async () => {
    for (const [message, detail] of [
      ['['.repeat(mib / 2) + ']'.repeat(mib / 2), 'nested more than 64 deep'],
      [`${'{"a":'.repeat(mib / 6)}1`, 'nested more than 64 deep'],
      [filled('{', (i) => `"k${i}":1`, '}'), 'more than 20000 values in one row'],
      [filled('[{"a":1},{"values":[', () => '1', ']}]'), 'more than 20000 values in one row'],
    ] as const)
      expect(await faults(usual, message)).toMatchObject([{ reason: 'wrong_shape', detail }])
  })

  test('is refused, to be sent again, where more of them wait than may, and short ones go on', async () => {
    const message = filled('[', () => '{"a":1}', ']')
    const outcomes = await Promise.allSettled([
      ...Array.from({ length: 33 }, () => faults(usual, message)),
      faults(usual, '{"a":1}'),
    ])
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
    expect(refused).toMatchObject([{ code: 'store_unavailable', retryable: true }])
    expect(outcomes.at(-1)).toEqual({ status: 'fulfilled', value: [] })
    // There is room again.
    expect(await faults(usual, message)).toEqual([])
  })

  test('lets others have their turns', async () => {
    let turns = 0
    let isOver = false
    const turn = () => {
      turns++
      if (!isOver) setImmediate(turn)
    }
    setImmediate(turn)
    const message = filled('[', () => '{"a":1}', ']')
    const all = await Promise.all(Array.from({ length: 4 }, () => faults(usual, message)))
    isOver = true
    expect(all).toEqual([[], [], [], []])
    expect(turns).toBeGreaterThan(4)
  })
})
