import type { ProfileId, RuleId, RuleRecord, RuleTarget } from '../model/index.ts'
import { compilePlan, type DevicePlan } from './compile.ts'
import type { WatchedDevice, WatchedProfile } from './records.ts'

/** The rules and profiles as the log has told them so far, and what they amount to for a device. */
export class Registry {
  readonly rules = new Map<RuleId, RuleRecord>()
  readonly profiles = new Map<ProfileId, WatchedProfile>()
  readonly #byTarget = new Map<string, Map<RuleId, RuleRecord>>()
  /** Devices that the same rules apply to share a plan. */
  readonly #plans = new Map<string, DevicePlan>()

  /** Undefined: the rule is gone. */
  setRule(id: RuleId, rule: RuleRecord | undefined): void {
    const known = this.rules.get(id)
    if (known !== undefined) {
      const key = targetKey(known.appliesTo)
      const others = this.#byTarget.get(key)
      others?.delete(id)
      if (others?.size === 0) this.#byTarget.delete(key)
      this.rules.delete(id)
    }
    if (rule !== undefined) {
      this.rules.set(id, rule)
      const key = targetKey(rule.appliesTo)
      const others = this.#byTarget.get(key)
      if (others === undefined) this.#byTarget.set(key, new Map([[id, rule]]))
      else others.set(id, rule)
    }
    this.#plans.clear()
  }

  /** Undefined: the profile is gone. */
  setProfile(id: ProfileId, profile: WatchedProfile | undefined): void {
    if (profile === undefined) this.profiles.delete(id)
    else this.profiles.set(id, profile)
    this.#plans.clear()
  }

  planOf({ id, profileId, siteId }: WatchedDevice): DevicePlan {
    const own = targetKey({ device: id })
    const key = `${profileId}\n${siteId}\n${this.#byTarget.has(own) ? id : ''}`
    const known = this.#plans.get(key)
    if (known !== undefined) return known
    const targets = [own, targetKey({ profile: profileId }), targetKey({ site: siteId })]
    const rules = targets
      .flatMap((target) => [...(this.#byTarget.get(target)?.values() ?? [])])
      .filter(({ enabled }) => enabled)
      .sort((a, b) => (a.id < b.id ? -1 : 1))
    const plan = compilePlan(rules, this.profiles.get(profileId))
    this.#plans.set(key, plan)
    return plan
  }
}

export function appliesTo({ appliesTo: target }: RuleRecord, device: WatchedDevice): boolean {
  if ('device' in target) return target.device === device.id
  if ('profile' in target) return target.profile === device.profileId
  return target.site === device.siteId
}

function targetKey(target: RuleTarget): string {
  if ('device' in target) return `device/${target.device}`
  if ('profile' in target) return `profile/${target.profile}`
  return `site/${target.site}`
}
