import { builtInProfiles, parseSiteId } from '../../model/index.ts'
import type { Actor } from './records.ts'
import type { State } from './state.ts'

export interface SeedConfig {
  /** Of site `main`: IANA name. */
  readonly timeZone: string
  /** Of site `main`: ISO 4217. */
  readonly currency: string
}

const seeded = 'seeded'

/** The platform itself, where no person and no program asked for a change. */
export const platformActor: Actor = {
  principal: { kind: 'platform', id: 'platform', role: 'admin', sites: 'all' },
  requestId: null,
  address: null,
}

/**
 * The first start: site `main` and the built-in profiles. Happens once in a state's life, so what people removed
 * later does not come back. Resolves with whether this was the first start.
 */
export async function seedState(state: State, config: SeedConfig): Promise<boolean> {
  if ((await state.settings.get(seeded)) !== undefined) return false
  return state.change(platformActor, async (unit) => {
    if ((await unit.settings.get(seeded)) !== undefined) return false
    const main = parseSiteId('main')
    if ((await unit.sites.get(main)) === undefined) await unit.sites.create({ id: main, name: 'Main', ...config })
    for (const profile of builtInProfiles)
      if ((await unit.profiles.get(profile.id)) === undefined) await unit.profiles.create(profile)
    await unit.settings.set(seeded, 'yes')
    return true
  })
}
