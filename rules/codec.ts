import {
  AppError,
  ByteReader,
  ByteWriter,
  type MetricName,
  parseDeviceId,
  parseMetricName,
  parseProfileId,
  parseRuleId,
  parseSiteId,
  type Quality,
  quality,
  qualityNames,
} from '../model/index.ts'
import { type DeviceState, DeviceWatch } from './device-watch.ts'
import type { EngineMemory } from './engine.ts'
import type { SilenceState } from './no-data.ts'
import { ruleRecordSchema, watchedProfileSchema } from './records.ts'
import type { SeriesState } from './series-watch.ts'
import type { Surroundings } from './standing.ts'
import {
  decodeLevels,
  decodeMoment,
  decodeStanding,
  encodeLevels,
  encodeMoment,
  encodeStanding,
} from './standing-codec.ts'

/** Grows with every change of what follows; bytes of another version are not read. */
const codecVersion = 1

/** Follows a series' time. Snapshots made earlier have healthy series too, with a 0 here. */
const troubled = 1

/** The same memory gives the same bytes, however it came about: everything is sorted, nothing derived is kept. */
export function encodeEngine({ clock, registry, devices }: EngineMemory): Uint8Array {
  const out = new ByteWriter()
  out.u32(codecVersion)
  out.f64(clock.receivedMs)
  out.f64(clock.downtimeMs)
  for (const records of [registry.rules, registry.profiles]) {
    out.u32(records.size)
    const sorted = [...records.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
    for (const record of sorted) out.text(JSON.stringify(record))
  }
  out.u32(devices.size)
  const sorted = [...devices.values()].sort((a, b) => a.device.number - b.device.number)
  for (const watch of sorted) {
    const { id, number, siteId, profileId } = watch.device
    out.text(id)
    out.u32(number)
    out.text(siteId)
    out.text(profileId)
    encodeDevice(out, watch.state())
  }
  return out.view()
}

/** Fills an empty memory. Throws on bytes that `encodeEngine` did not write. */
export function decodeEngine(
  bytes: Uint8Array,
  { clock, registry, devices }: EngineMemory,
  around: Surroundings,
): void {
  const from = new ByteReader(bytes)
  const version = from.u32()
  if (version !== codecVersion)
    throw new AppError('store_failed', `read the memory of rules failed: version ${version}`)
  clock.restore(from.f64(), from.f64())
  for (let left = from.u32(); left > 0; left--) {
    const rule = ruleRecordSchema.parse(JSON.parse(from.text()))
    registry.setRule(rule.id, rule)
  }
  for (let left = from.u32(); left > 0; left--) {
    const profile = watchedProfileSchema.parse(JSON.parse(from.text()))
    registry.setProfile(profile.id, profile)
  }
  const names = new Names()
  for (let left = from.u32(); left > 0; left--) {
    const device = {
      id: parseDeviceId(from.text()),
      number: from.u32(),
      siteId: parseSiteId(from.text()),
      profileId: parseProfileId(from.text()),
    }
    const watch = new DeviceWatch(device, registry.planOf(device), around)
    devices.set(device.id, watch)
    watch.restore(decodeDevice(from, names))
  }
  if (!from.done) throw new AppError('store_failed', 'read the memory of rules failed: it has more than it should')
}

function encodeDevice(out: ByteWriter, { silence, series }: DeviceState): void {
  encodeSilence(out, silence)
  out.u32(series.length)
  for (const [metric, state] of series) {
    out.text(metric)
    out.f64(state.lastMs)
    out.u32(troubled)
    encodeTrouble(out, state)
  }
}

function decodeDevice(from: ByteReader, names: Names): DeviceState {
  const silence = decodeSilence(from)
  const series: [MetricName, SeriesState][] = []
  for (let left = from.u32(); left > 0; left--) {
    const metric = names.metric(from.text())
    const lastMs = from.f64()
    if (from.u32() === troubled) series.push([metric, { lastMs, ...decodeTrouble(from) }])
  }
  return { silence, series }
}

function encodeSilence(out: ByteWriter, { lastSeen, standings }: SilenceState): void {
  encodeMoment(out, lastSeen ?? { receivedMs: Number.NaN, engineMs: Number.NaN })
  out.u32(standings.length)
  for (const standing of standings) {
    out.text(standing.ruleId)
    encodeMoment(out, standing.armed)
    encodeStanding(out, standing)
  }
}

function decodeSilence(from: ByteReader): SilenceState {
  const lastSeen = decodeMoment(from)
  const standings: SilenceState['standings'][number][] = []
  for (let left = from.u32(); left > 0; left--)
    standings.push({ ruleId: parseRuleId(from.text()), armed: decodeMoment(from), ...decodeStanding(from) })
  return { lastSeen: Number.isNaN(lastSeen.receivedMs) ? undefined : lastSeen, standings }
}

function encodeTrouble(out: ByteWriter, { lastEngineMs, lastValue, lastQuality, standings }: SeriesState): void {
  out.f64(lastEngineMs)
  out.f64(lastValue)
  out.u32(lastQuality)
  out.u32(standings.length)
  for (const standing of standings) {
    out.text(standing.ruleId)
    encodeLevels(out, standing.levels)
    encodeStanding(out, standing)
  }
}

function decodeTrouble(from: ByteReader): Omit<SeriesState, 'lastMs'> {
  const lastEngineMs = from.f64()
  const lastValue = from.f64()
  const lastQuality = asQuality(from.u32())
  const standings: SeriesState['standings'][number][] = []
  for (let left = from.u32(); left > 0; left--)
    standings.push({ ruleId: parseRuleId(from.text()), levels: decodeLevels(from), ...decodeStanding(from) })
  return { lastEngineMs, lastValue, lastQuality, standings }
}

function asQuality(code: number): Quality {
  const name = qualityNames[code]
  if (name === undefined) throw new RangeError(`read the memory of rules failed: no quality ${code}`)
  return quality[name]
}

/** The names of ten thousand devices' metrics are a few dozen. */
class Names {
  readonly #metrics = new Map<string, MetricName>()

  metric(text: string): MetricName {
    const known = this.#metrics.get(text)
    if (known !== undefined) return known
    const metric = parseMetricName(text)
    this.#metrics.set(text, metric)
    return metric
  }
}
