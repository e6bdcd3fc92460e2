import { afterAll, beforeAll } from 'vitest'
import {
  type AssetId,
  type Clock,
  type DeviceId,
  type Metric,
  type ProfileRecord,
  parseAlertId,
  parseAssetId,
  parseDeviceId,
  parseMetricName,
  parseProfileId,
  parseRuleId,
  parseSiteId,
  type RuleId,
  type SiteRecord,
  type Transition,
} from '../../../model/index.ts'
import type { SeriesInfo } from '../../../store/readings/index.ts'
import {
  type Actor,
  type AssetRecord,
  type ChangeUnit,
  type DeviceInput,
  platformActor,
  type RuleInput,
  type State,
  type StateSettings,
} from '../../../store/state/index.ts'

/** One place where a state may rest; what is opened twice is the same one. */
export interface StatePlace {
  open(clock: Clock, settings: StateSettings): Promise<State>
  /** Removes everything; all that was opened is closed by then. */
  dispose(): Promise<void>
}

export type MakeStatePlace = () => Promise<StatePlace>

export interface TestClock extends Clock {
  set(ms: number): void
}

export function createTestClock(startMs = 1_795_000_000_000): TestClock {
  let nowMs = startMs
  return {
    now: () => nowMs,
    set(ms) {
      nowMs = ms
    },
  }
}

export const settings: StateSettings = {
  busyTimeoutMs: 20_000,
  rejectedRows: 50,
  alertRows: 20,
  answersPerPrincipal: 40,
  answerBytesPerPrincipal: 20_000,
}

export interface StateBench {
  readonly state: State
  readonly clock: TestClock
  /** A change by the platform. */
  change<Result>(work: (unit: ChangeUnit) => Promise<Result>): Promise<Result>
  /** Empties the outbox; its topics in order. */
  takeOutbox(): Promise<string[]>
}

/** A state of its own for the tests of one `describe`: sites `north` and `south`, profile `meter`. */
export function useState(make: MakeStatePlace): () => StateBench {
  let bench: StateBench | undefined
  let place: StatePlace | undefined

  beforeAll(async () => {
    place = await make()
    const clock = createTestClock()
    const state = await place.open(clock, settings)
    bench = {
      state,
      clock,
      change: (work) => state.change(platformActor, work),
      async takeOutbox() {
        const frames = await state.outbox.pending(10_000)
        await state.outbox.done(frames.map((frame) => frame.id))
        return frames.map((frame) => frame.topic)
      },
    }
    await bench.change(async (unit) => {
      await unit.sites.create(site('north'))
      await unit.sites.create(site('south'))
      await unit.profiles.create(profile('meter'))
    })
    await bench.takeOutbox()
  })

  afterAll(async () => {
    await bench?.state.close()
    await place?.dispose()
  })

  return () => {
    if (bench === undefined) throw new Error('the state is not open yet')
    return bench
  }
}

export function actor(id: string): Actor {
  return {
    principal: { kind: 'key', id, role: 'admin', sites: 'all' },
    requestId: `request-of-${id}`,
    address: '127.0.0.1',
  }
}

export const north = parseSiteId('north')
export const south = parseSiteId('south')
export const meter = parseProfileId('meter')

export function site(id: string): SiteRecord {
  return { id: parseSiteId(id), name: `Site ${id}`, timeZone: 'Asia/Jakarta', currency: 'IDR' }
}

export function metric(name: string, kind: Metric['kind'] = 'gauge'): Metric {
  const digits = kind === 'register' ? 6 : null
  const range = { min: 0, max: 1_000, maxRatePerS: null }
  return { name: parseMetricName(name), unit: 'V', kind, ...range, digits, multiplier: 1 }
}

export function profile(id: string): ProfileRecord {
  const metrics = [metric('voltage'), metric('energy', 'register')]
  return { id: parseProfileId(id), name: `Profile ${id}`, reportingIntervalMs: 60_000, metrics }
}

export function asset(id: string, parent: string | null = null, siteId = north): AssetRecord {
  return {
    id: parseAssetId(id),
    siteId,
    parentId: parent === null ? null : parseAssetId(parent),
    kind: 'panel',
    name: `Asset ${id}`,
    ratingKva: 630,
    ratingA: null,
    attributes: { feeder: 3, critical: true, hall: 'B' },
    tags: ['roof'],
  }
}

export function device(id: string, more: Partial<DeviceInput> = {}): DeviceInput {
  return {
    id: parseDeviceId(id),
    siteId: north,
    profileId: meter,
    assetId: null,
    gatewayId: null,
    name: `Device ${id}`,
    attributes: { ratio: 0.25 },
    tags: ['a', 'b'],
    limits: { messagesPerS: 5 },
    ...more,
  }
}

export function series(deviceNumber: number, metricName: string): Omit<SeriesInfo, 'seriesId'> {
  const deviceId = parseDeviceId(`device-${deviceNumber}`)
  return { deviceId, deviceNumber, metric: parseMetricName(metricName), profileId: meter, known: true }
}

export const deviceId = (text: string): DeviceId => parseDeviceId(text)
export const assetId = (text: string): AssetId => parseAssetId(text)

/** What a test wants to know of a refusal: its code, and the first field at fault. */
export async function refusal(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error === undefined) return 'not refused'
  if (!(error instanceof Error) || !('code' in error)) throw error
  const fields = 'fields' in error && Array.isArray(error.fields) ? error.fields : []
  return [error.code, ...fields.slice(0, 1).map((fault: { field: string }) => fault.field)].join(' ')
}

/** Every page of a list, by `limit` at a time. */
export async function walk<Item, Cursor>(
  load: (after: Cursor | undefined) => Promise<{ readonly items: readonly Item[]; readonly next: Cursor | null }>,
): Promise<Item[]> {
  const items: Item[] = []
  let after: Cursor | undefined
  do {
    const page = await load(after)
    items.push(...page.items)
    after = page.next ?? undefined
  } while (after !== undefined)
  return items
}

/** A rule as it is created; of the profile `meter` where nothing else is said. */
export function rule(id: string, more: Partial<RuleInput> = {}): RuleInput & { readonly id: RuleId } {
  return {
    name: `Rule ${id}`,
    enabled: true,
    appliesTo: { profile: meter },
    condition: {
      metric: parseMetricName('voltage'),
      op: '>',
      levels: [
        { severity: 'warning', value: 253, clear: 250 },
        { severity: 'critical', value: 264 },
      ],
    },
    forMs: 60_000,
    keepFiringForMs: 0,
    ...more,
    id: parseRuleId(id),
  }
}

/** A step of an alert of device `m1` in the north: its ordinal is its minute. */
export function transition(alert: string, ordinal: number, more: Partial<Transition> = {}): Transition {
  const timeMs = 1_795_000_000_000 + ordinal * 60_000
  return {
    alertId: parseAlertId(alert),
    ordinal,
    kind: 'firing',
    severity: 'warning',
    reason: null,
    ruleId: parseRuleId('overvoltage'),
    ruleVersion: 3,
    ruleName: 'Overvoltage',
    deviceId: parseDeviceId('m1'),
    siteId: north,
    metric: parseMetricName('voltage'),
    timeMs,
    receivedMs: timeMs + 20,
    position: 4_096 + ordinal,
    value: 254.5 + ordinal,
    evidence: {
      kind: 'threshold',
      op: '>',
      limit: 253,
      clear: 250,
      value: 254.5 + ordinal,
      unit: 'V',
      quality: 'good',
      readingTimeMs: timeMs,
      sinceMs: timeMs - 60_000,
      forMs: 60_000,
      keepFiringForMs: 0,
      decidedBy: 'reading',
    },
    ...more,
  }
}
