import { AppError, type RuleTarget } from '../model/index.ts'
import type { State } from '../store/state/index.ts'
import { maxLimit } from './paging.ts'
import type { RuleDraft, RuleReach, ValidateRule } from './ports.ts'

/** Refuses a rule that cannot mean anything for what it applies to, with every wrong field. */
export type CheckRule = (target: RuleTarget, rule: RuleDraft) => Promise<void>

export function createRuleCheck(
  state: Pick<State, 'devices' | 'profiles' | 'series'>,
  validateRule: ValidateRule,
): CheckRule {
  return async (target, rule) => {
    const reach = await reachOf(state, target)
    // What it names is not there: the change itself refuses that, with the field.
    if (reach === undefined) return
    const fields = validateRule(rule, reach)
    const [first] = fields
    if (first !== undefined)
      throw new AppError('invalid_input', `check rule failed: ${first.field} ${first.message}`, { fields })
  }
}

async function reachOf(
  { devices, profiles, series }: Pick<State, 'devices' | 'profiles' | 'series'>,
  target: RuleTarget,
): Promise<RuleReach | undefined> {
  if ('profile' in target) {
    const profile = await profiles.get(target.profile)
    return profile && { profiles: [profile] }
  }
  // A site may get devices of any profile yet.
  if ('site' in target) return { profiles: (await profiles.list({ limit: maxLimit })).items }
  const device = await devices.get(target.device)
  const profile = device && (await profiles.get(device.profileId))
  if (device === undefined || profile === undefined) return undefined
  const known = await series.list({ deviceNumber: device.number, limit: maxLimit })
  return { profiles: [profile], discovered: known.items.map(({ metric }) => metric) }
}
