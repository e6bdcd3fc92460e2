import { builtInProfiles, parseProfileId, parseSiteId, platformDeviceId, type SiteId } from '../../model/index.ts'
import type { Actor, DeviceInput } from './records.ts'
import type { RuleInput } from './rule-store.ts'
import type { ChangeUnit, State } from './state.ts'

export interface SeedConfig {
  /** Of site `main`: IANA name. */
  readonly timeZone: string
  /** Of site `main`: ISO 4217. */
  readonly currency: string
  /** The default packs; a rule whose id is taken, or whose profile is gone, is left out. */
  readonly rules?: readonly RuleInput[] | undefined
}

/** The platform itself, where no person and no program asked for a change. */
export const platformActor: Actor = {
  principal: { kind: 'platform', id: 'platform', role: 'admin', sites: 'all' },
  requestId: null,
  address: null,
}

interface SeedStep {
  /** The setting that says that it is done. */
  readonly marker: string
  run(unit: ChangeUnit, config: SeedConfig): Promise<void>
}

/** Several, because states were made before there were rules, or service levels. */
const firstThings: SeedStep = { marker: 'seeded', run: seedThings }
const platformAndRules: SeedStep = { marker: 'seeded-rules', run: seedPlatformAndRules }
const serviceLevels: SeedStep = { marker: 'seeded-service-levels', run: seedServiceLevels }

/**
 * What a state begins with: site `main` and the built-in profiles; the platform as a device, and the default rules, those
 * of its service levels included.
 * Each step happens once in a state's life, so what people removed later does not come back. Resolves with whether
 * this was the first start.
 */
export async function seedState(state: State, config: SeedConfig): Promise<boolean> {
  const first = await runOnce(state, config, firstThings)
  await runOnce(state, config, platformAndRules)
  await runOnce(state, config, serviceLevels)
  return first
}

async function runOnce(state: State, config: SeedConfig, { marker, run }: SeedStep): Promise<boolean> {
  if ((await state.settings.get(marker)) !== undefined) return false
  return state.change(platformActor, async (unit) => {
    if ((await unit.settings.get(marker)) !== undefined) return false
    await run(unit, config)
    await unit.settings.set(marker, 'yes')
    return true
  })
}

const main = parseSiteId('main')

async function seedThings(unit: ChangeUnit, { timeZone, currency }: SeedConfig): Promise<void> {
  if ((await unit.sites.get(main)) === undefined)
    await unit.sites.create({ id: main, name: 'Main', timeZone, currency })
  for (const profile of builtInProfiles)
    if ((await unit.profiles.get(profile.id)) === undefined) await unit.profiles.create(profile)
}

async function seedPlatformAndRules(unit: ChangeUnit, config: SeedConfig): Promise<void> {
  await seedPlatform(unit, config)
  await seedRules(unit, config.rules ?? [])
}

/** The platform's profile learns what it did not have when the state was made, and the rules that watch it come along. */
async function seedServiceLevels(unit: ChangeUnit, config: SeedConfig): Promise<void> {
  const known = (await unit.profiles.get(platformProfile))?.metrics
  const builtIn = builtInProfiles.find(({ id }) => id === platformProfile)?.metrics ?? []
  if (known === undefined) return
  const missing = builtIn.filter(({ name }) => !known.some((metric) => metric.name === name))
  if (missing.length > 0) await unit.profiles.update(platformProfile, { metrics: [...known, ...missing] })
  const names = new Set(missing.map(({ name }) => name))
  const rules = (config.rules ?? []).filter(({ condition }) => 'metric' in condition && names.has(condition.metric))
  await seedRules(unit, rules)
}

async function seedRules(unit: ChangeUnit, rules: readonly RuleInput[]): Promise<void> {
  for (const rule of rules) {
    const known = 'profile' in rule.appliesTo && (await unit.profiles.get(rule.appliesTo.profile)) !== undefined
    const taken = rule.id !== undefined && (await unit.rules.get(rule.id)) !== undefined
    if (known && !taken) await unit.rules.create(rule)
  }
}

const platformProfile = parseProfileId('platform')

async function seedPlatform(unit: ChangeUnit, config: SeedConfig): Promise<void> {
  if ((await unit.devices.get(platformDeviceId)) !== undefined) return
  const profile = builtInProfiles.find(({ id }) => id === platformProfile)
  if (profile !== undefined && (await unit.profiles.get(platformProfile)) === undefined)
    await unit.profiles.create(profile)
  const siteId = await homeSite(unit, config)
  const nothing = { assetId: null, gatewayId: null, attributes: {}, tags: [], limits: {} }
  const device: DeviceInput = { id: platformDeviceId, siteId, profileId: platformProfile, name: 'Platform', ...nothing }
  await unit.devices.create(device)
}

/** Site `main`, or where people have removed it, any other. */
async function homeSite(unit: ChangeUnit, { timeZone, currency }: SeedConfig): Promise<SiteId> {
  if ((await unit.sites.get(main)) !== undefined) return main
  const [other] = (await unit.sites.list({ scope: 'all', limit: 1 })).items
  return other?.id ?? (await unit.sites.create({ id: main, name: 'Main', timeZone, currency })).id
}
