import { z } from 'zod'
import { type PlatformApi, refused } from './platform-api.ts'
import { type ForetoldRule, foretold, ruleSchema } from './truth/rule.ts'

/**
 * Silence is told in reporting intervals, and the built-in profiles report once a minute: nobody wants to wait three
 * minutes for a simulated one. Devices that fall silent have this profile; it has the metrics of `meter-1ph` and copies
 * of that profile's rules, limits and all.
 */
export const quickProfile = { id: 'simulated-meter', name: 'Simulated meter', reportingIntervalMs: 1_000 } as const

const copiedProfileId = 'meter-1ph'
const profileSchema = z.object({ metrics: z.array(z.looseObject({})) })

/** Creates the profile and its rules unless an earlier run did. */
export async function ensureQuickProfile(api: PlatformApi): Promise<void> {
  const { metrics } = await api.read(profileSchema, `/api/v1/profiles/${copiedProfileId}`)
  const answer = await api.ask('POST', '/api/v1/profiles', { ...quickProfile, metrics })
  if (answer.status !== 201 && answer.status !== 409) throw refused(`create profile ${quickProfile.id}`, answer)
  for await (const rule of api.list(ruleSchema, '/api/v1/rules', { profileId: copiedProfileId })) {
    const id = rule.id.replace(copiedProfileId, quickProfile.id)
    // A rule of somebody's own whose id does not say of which profile it is.
    if (id === rule.id) continue
    const { condition, forMs, keepFiringForMs } = rule
    const name = `${quickProfile.name}: ${rule.name}`
    const copy = { id, name, appliesTo: { profile: quickProfile.id }, condition, forMs, keepFiringForMs }
    const created = await api.ask('POST', '/api/v1/rules', copy)
    if (created.status !== 201 && created.status !== 409) throw refused(`create rule ${id}`, created)
  }
}

/** All rules of the platform that this program can foretell. */
export async function readRules(api: PlatformApi): Promise<ForetoldRule[]> {
  const rules = await Array.fromAsync(api.list(ruleSchema, '/api/v1/rules'))
  return rules.flatMap((rule) => foretold(rule, undefined) ?? [])
}
