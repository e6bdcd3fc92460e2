import {
  type DeviceId,
  type DeviceRecord,
  isDeviceId,
  type MetricName,
  type ProfileId,
  type ProfileRecord,
  type SeriesId,
} from '../../model/index.ts'
import { DeviceMemory } from './device-memory.ts'
import { type MetricRule, ProfileRules, type RuleSettings } from './metric-rule.ts'
import { createRedeliveryMemory, type RedeliveryMemory } from './redelivery-memory.ts'

/** A record, and the bytes of the control frame that brought it: they go into the snapshot. */
export interface KeptRecord<Record> {
  readonly record: Record
  readonly bytes: Uint8Array
}

/**
 * Everything that ingest knows when it has read the log up to some position: *one value*, a function of the frames and
 * of nothing else, so that reading them again, in whatever portions, makes the same one.
 */
export class Memory {
  readonly profiles = new Map<ProfileId, KeptRecord<ProfileRecord>>()
  readonly devices = new Map<DeviceId, DeviceMemory>()
  readonly redeliveries: RedeliveryMemory = createRedeliveryMemory()
  /** Received time of the newest frame; the log's own clock. */
  nowMs = 0
  /** Number of the newest device there ever was. */
  highestDevice = 0
  /** Messages rejected for no known device share one bound. */
  readonly nobody = { rejectedSecond: 0, rejectedInSecond: 0 }

  /** Counts changes of what devices there are; what was worked out under another count is out of date. */
  registryVersion = 0
  /** Worked out from state, not remembered. */
  readonly devicesBySeries = new Map<SeriesId, DeviceMemory>()
  /** Worked out from the profiles. */
  readonly #rules = new Map<ProfileId, ProfileRules>()
  readonly #noProfile: ProfileRules
  readonly #settings: RuleSettings

  constructor(settings: RuleSettings) {
    this.#noProfile = new ProfileRules(undefined, settings)
    this.#settings = settings
  }

  setProfile(record: ProfileRecord, bytes: Uint8Array): void {
    this.profiles.set(record.id, { record, bytes })
    this.#rules.set(record.id, new ProfileRules(record, this.#settings))
    this.#workOutRulesOf(record.id)
  }

  removeProfile(id: ProfileId): void {
    this.profiles.delete(id)
    this.#rules.delete(id)
    this.#workOutRulesOf(id)
  }

  /** A device of the same number is the same device; another number under the same id is a new one. */
  setDevice(record: DeviceRecord, bytes: Uint8Array): DeviceMemory {
    const known = this.devices.get(record.id)
    this.registryVersion++
    this.highestDevice = Math.max(this.highestDevice, record.number)
    if (known !== undefined && known.record.number === record.number) {
      // What it sent before is not for the people of its new site.
      if (known.record.siteId !== record.siteId) {
        known.view?.ring.clear()
        known.siteSinceMs = this.nowMs
      }
      known.record = record
      known.recordBytes = bytes
      this.#workOutRules(known)
      return known
    }
    if (known !== undefined) this.removeDevice(record.id)
    const device = new DeviceMemory(record, bytes)
    this.devices.set(record.id, device)
    return device
  }

  removeDevice(id: DeviceId): void {
    const device = this.devices.get(id)
    if (device === undefined) return
    this.registryVersion++
    this.devices.delete(id)
    for (const seriesId of device.seriesIds) this.devicesBySeries.delete(seriesId)
  }

  deviceOfPrincipal(principal: string): DeviceMemory | undefined {
    return isDeviceId(principal) ? this.devices.get(principal) : undefined
  }

  ruleOf(device: DeviceMemory, metric: MetricName): MetricRule {
    return (this.#rules.get(device.record.profileId) ?? this.#noProfile).of(metric)
  }

  #workOutRulesOf(profileId: ProfileId): void {
    for (const device of this.devices.values()) {
      if (device.record.profileId === profileId) this.#workOutRules(device)
    }
  }

  #workOutRules(device: DeviceMemory): void {
    device.rules = device.metrics.map((metric) => this.ruleOf(device, metric))
  }
}
