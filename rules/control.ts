import type { Logger } from 'pino'
import {
  type DeviceId,
  type ProfileId,
  parseAlertId,
  parseDeviceId,
  parseProfileId,
  parseRuleId,
  type ResolveReason,
  type RuleId,
} from '../model/index.ts'
import { DeviceWatch } from './device-watch.ts'
import {
  alertOrderSchema,
  ruleRecordSchema,
  type WatchedDevice,
  watchedDeviceSchema,
  watchedProfileSchema,
} from './records.ts'
import { appliesTo, type Registry } from './registry.ts'
import type { Surroundings } from './standing.ts'

export interface ControlDeps {
  readonly around: Surroundings
  readonly registry: Registry
  readonly devices: Map<DeviceId, DeviceWatch>
  readonly logger: Logger
}

/** Records of state as the log tells them: whoever they concern is judged by other rules from here on. */
export interface Control {
  take(topic: string, payload: Uint8Array): void
  /** Grows when devices come or go. */
  readonly version: number
}

export function createControl({ around, registry, devices, logger }: ControlDeps): Control {
  let version = 0

  const whyGone = (id: RuleId): ResolveReason => {
    const rule = registry.rules.get(id)
    if (rule === undefined) return 'rule_removed'
    return rule.enabled ? 'out_of_scope' : 'rule_disabled'
  }

  function follow(watch: DeviceWatch, device: WatchedDevice): void {
    watch.follow(device, registry.planOf(device), whyGone)
  }

  /** In the order of their numbers: the same after a snapshot as before. */
  function followAll(concerns: (device: WatchedDevice) => boolean): void {
    const concerned = [...devices.values()].filter(({ device }) => concerns(device))
    concerned.sort((a, b) => a.device.number - b.device.number)
    for (const watch of concerned) follow(watch, watch.device)
  }

  function takeDevice(id: DeviceId, record: unknown): void {
    const device = record === undefined ? undefined : watchedDeviceSchema.parse(record)
    const known = devices.get(id)
    // Another number under the same id is another device.
    if (known !== undefined && known.device.number !== device?.number) {
      known.remove('device_removed')
      devices.delete(id)
      version++
    }
    if (device === undefined) return
    const watch = devices.get(id) ?? add(device)
    follow(watch, device)
  }

  function add(device: WatchedDevice): DeviceWatch {
    const watch = new DeviceWatch(device, registry.planOf(device), around)
    devices.set(device.id, watch)
    version++
    return watch
  }

  function takeProfile(id: ProfileId, record: unknown): void {
    registry.setProfile(id, record === undefined ? undefined : watchedProfileSchema.parse(record))
    followAll((device) => device.profileId === id)
  }

  function takeRule(id: RuleId, record: unknown): void {
    const before = registry.rules.get(id)
    const rule = record === undefined ? undefined : ruleRecordSchema.parse(record)
    registry.setRule(id, rule)
    followAll((device) => [before, rule].some((each) => each !== undefined && appliesTo(each, device)))
  }

  function takeAlert(text: string, record: unknown): void {
    const id = parseAlertId(text)
    alertOrderSchema.parse(record)
    // One that has ended in the meantime needs no resolving.
    around.alerts.subjectOf(id)?.resolveByHand(id)
  }

  return {
    get version() {
      return version
    },
    take(topic, payload) {
      const slash = topic.indexOf('/')
      const id = topic.slice(slash + 1)
      try {
        const record: unknown = payload.length === 0 ? undefined : JSON.parse(new TextDecoder().decode(payload))
        switch (topic.slice(0, slash)) {
          case 'device':
            takeDevice(parseDeviceId(id), record)
            break
          case 'profile':
            takeProfile(parseProfileId(id), record)
            break
          case 'rule':
            takeRule(parseRuleId(id), record)
            break
          case 'alert':
            takeAlert(id, record)
            break
        }
      } catch (err) {
        // Stopping would help nobody: what this frame says is lost, and what was known before stays.
        logger.error({ err, topic }, 'control frame not understood by the rules')
      }
    },
  }
}
