import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Evaluator } from '../../ingest/index.ts'
import {
  parseMetricName,
  parseProfileId,
  parseRuleId,
  type RuleCondition,
  type RuleRecord,
  severities,
} from '../../model/index.ts'
import { createRuleEngine } from '../../rules/index.ts'
import { type FrameScript, noon } from './frame-script.ts'
import { World } from './world.ts'

type Event = (script: FrameScript) => void

const device = fc.constantFrom('m1', 'm2', 'm3')
const numbers: Readonly<Record<string, number>> = { m1: 1, m2: 2, m3: 3 }
const metric = fc.constantFrom('voltage', 'current', 'energy', 'relay', 'a', 'b', 'c', 'd')
const value = fc.constantFrom(0, 1, 2, 5, 230, 1e9, null, 'x')
const packet = fc.record({
  packetId: fc.integer({ min: 0, max: 3 }),
  dup: fc.boolean(),
  session: fc.constantFrom(1, 2),
})

function rule(id: string, condition: RuleCondition, more: Partial<RuleRecord> = {}): RuleRecord {
  const appliesTo = { profile: parseProfileId('meter-1ph') }
  const times = { forMs: 0, keepFiringForMs: 0 }
  return { id: parseRuleId(id), name: id, version: 1, enabled: true, appliesTo, condition, ...times, ...more }
}

const levels = severities.map((severity, i) => ({ severity, value: [1, 4, 200][i] ?? 0 }))
const over = (name: string, more?: Partial<RuleRecord>) =>
  rule(`${name}-over`, { metric: parseMetricName(name), op: '>', levels }, more)
const silent = rule('silent', { noData: { intervals: 3, severity: 'warning' } })

/** Everything that can happen to a log, with few devices, metrics, times and packet identifiers, so that they meet. */
const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.integer({ min: 0, max: 70_000 }).map(
      (ms): Event =>
        (script) =>
          script.pass(ms),
    ),
  },
  {
    weight: 6,
    arbitrary: fc.tuple(device, fc.dictionary(metric, value, { maxKeys: 3 }), packet).map(
      ([id, values, options]): Event =>
        (script) =>
          script.telemetry(id, values, options),
    ),
  },
  {
    weight: 6,
    arbitrary: fc
      .tuple(device, fc.integer({ min: -20, max: 10 }), fc.dictionary(metric, value, { maxKeys: 3 }), packet)
      .map(([id, minutes, values, options]): Event => {
        return (script) => script.telemetry(id, { ts: script.nowMs + minutes * 60_000, values }, options)
      }),
  },
  fc.tuple(device, metric, value, packet).map(
    ([id, name, x, options]): Event =>
      (script) =>
        script.publish(`panel/${id}/${name}`, String(x), options),
  ),
  fc.constantFrom<Event>(
    (script) => script.tick(),
    (script) => script.seal(),
    (script) => script.presence('broker-started'),
    (script) => script.refusal('no/such', 'forbidden_topic', 'x', 'm1/c'),
    (script) => script.publish('pel/v1/m1/info', '{"model":"X"}'),
    (script) => script.publish('pel/v1/m2/status', 'online', { from: 'm1/c' }),
    (script) => script.telemetry('m1', { ts: noon + 7 * 3_600_000, values: { voltage: 5 } }),
  ),
  fc.tuple(fc.constantFrom('voltage', 'current'), fc.constantFrom(0, 1000, 60_000), fc.boolean()).map(
    ([name, forMs, enabled]): Event =>
      (script) =>
        script.control(
          `rule/${name}-over`,
          over(name, { forMs, keepFiringForMs: forMs, enabled, version: script.length }),
        ),
  ),
  device.map(
    (id): Event =>
      (script) =>
        script.presence('connected', `${id}/c`),
  ),
  device.map(
    (id): Event =>
      (script) =>
        script.presence('disconnected', `${id}/c`),
  ),
  device.map(
    (id): Event =>
      (script) =>
        script.device(id, numbers[id] ?? 0, { limits: { metrics: 4 } }),
  ),
  device.map(
    (id): Event =>
      (script) =>
        script.control(`device/${id}`, undefined),
  ),
)

function worldOf(events: readonly Event[]): World {
  const world = new World()
  for (const record of [over('voltage'), over('current', { forMs: 1000 }), silent])
    world.script.control(`rule/${record.id}`, record)
  world.script.device('m1', 1).device('m2', 2, { limits: { metrics: 3 } })
  for (const happen of events) happen(world.script)
  return world
}

/** What ingest knew at the end of the log, as its last snapshot says it. */
function memoryAtEnd(world: World): string | undefined {
  const newest = Math.max(...world.snapshots.keys())
  expect(newest).toBe(world.script.length)
  return Buffer.from(world.snapshots.get(newest) ?? []).toString('hex')
}

const rulesOf = (world: World): Evaluator => createRuleEngine({ sink: world.sink, logger: world.logger })

/** After so many durable steps one fails for good, before or after it is done; then a new process resumes. */
interface Crash {
  readonly steps: number
  /** What else was under way does not last either, as in a process that is killed; otherwise it ends as it may. */
  readonly sudden: boolean
}

interface Weather {
  readonly crashes: readonly Crash[]
  /** Turns of the event loop that one write of readings after the other takes. */
  readonly writeTurns: readonly number[]
  readonly sliceBytes: number
}

async function digestIn(world: World, { crashes, writeTurns, sliceBytes }: Weather): Promise<void> {
  const pending = [...crashes]
  let next = pending.shift()
  let left = next?.steps ?? 0
  let dead = false
  world.fault = (step) => {
    if (dead) throw new Error(`${step}: it is dead`)
    if (next === undefined || left-- > 0) return
    dead = next.sudden
    next = pending.shift()
    left = next?.steps ?? 0
    throw new Error(`crash at ${step}`)
  }
  const turns = [...writeTurns]
  world.pace = async () => {
    for (let left = turns.shift() ?? 0; left > 0; left--) await new Promise((resolve) => setImmediate(resolve))
  }
  const config = { sliceBytes, batchReadings: 5, checkpointBytes: 700, rulesDelayMs: 0 }
  for (;;) {
    const before = world.failures.length
    dead = false
    const ingest = world.ingest(config, { evaluator: rulesOf(world) })
    await ingest.start()
    for (;;) {
      world.announce()
      if (world.failures.length > before) break
      const { position } = await ingest.queries.stats()
      if (position === world.script.length) break
      await new Promise((resolve) => setImmediate(resolve))
    }
    await ingest.stop()
    const done = world.snapshots.has(world.script.length)
    if (done && world.failures.length === before) return
  }
}

describe('exactly once', () => {
  test('the log read in other portions, with crashes and slow stores, gives the same readings, rejections, transitions and memory', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { minLength: 1, maxLength: 60 }),
        fc.array(fc.record({ steps: fc.integer({ min: 0, max: 12 }), sudden: fc.boolean() }), { maxLength: 12 }),
        fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 12 }),
        fc.integer({ min: 1, max: 2000 }),
        async (events, crashes, writeTurns, sliceBytes) => {
          const calm = worldOf(events)
          await calm.digest({}, { evaluator: rulesOf(calm) })
          const stormy = worldOf(events)
          await digestIn(stormy, { crashes, writeTurns, sliceBytes })
          expect(await stormy.content()).toEqual(await calm.content())
          // This store keeps the position with the readings: what it has taken, known to us or not, it is not handed again.
          // (One whose position follows its readings may be handed the last batch once more, and merges it.)
          expect(stormy.written).toBe(calm.written)
          expect(stormy.rejected).toEqual(calm.rejected)
          expect(JSON.stringify(stormy.recorded)).toBe(JSON.stringify(calm.recorded))
          expect(memoryAtEnd(stormy)).toBe(memoryAtEnd(calm))
        },
      ),
      { numRuns: 150 },
    )
  })
})
