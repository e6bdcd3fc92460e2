import type {
  DeviceId,
  DeviceRecord,
  MetricName,
  ProfileId,
  ProfileRecord,
  SiteId,
  SiteRecord,
} from '../model/index.ts'
import { createKeptValues } from '../store/cache/index.ts'
import type { SeriesInfo } from '../store/readings/index.ts'
import type { State } from '../store/state/index.ts'

/** Records that are read with each question about readings, as they are now. */
export interface Inventory {
  device(id: DeviceId): Promise<DeviceRecord | undefined>
  profile(id: ProfileId): Promise<ProfileRecord | undefined>
  site(id: SiteId): Promise<SiteRecord | undefined>
  series(deviceNumber: number, metric: MetricName): Promise<SeriesInfo | undefined>
  /**
   * What else is made of the inventory and its series alone: `load` is called where nothing is kept under the key. `sizeOf` is in
   * records.
   */
  kept<Value>(key: string, load: () => Promise<Value>, sizeOf: (value: Value) => number): Promise<Kept<Value>>
}

export interface Kept<Value> {
  readonly value: Value
  readonly hit: boolean
}

type Records = Pick<State, 'devices' | 'profiles' | 'sites' | 'series' | 'dataVersions'>

/** Records kept, of some hundred bytes each. */
const mostKept = 100_000

/**
 * The inventory for one request, which asks the state whether anything has changed since, and for nothing that is kept as long
 * as nothing has.
 */
export function createInventory(state: Records): () => Promise<Inventory> {
  let current: { readonly version: string; readonly inventory: Inventory } | undefined

  return async () => {
    // Before the records: what is read afterwards is of this version or later.
    const version = await state.dataVersions.read(['inventory', 'series'])
    if (current?.version !== version) current = { version, inventory: keptInventory(state) }
    return current.inventory
  }
}

function keptInventory({ devices, profiles, sites, series }: Records): Inventory {
  const records = createKeptValues<{ readonly value: unknown; readonly size: number }>({
    maxSize: mostKept,
    sizeOf: ({ size }) => size,
  })

  async function kept<Value>(key: string, load: () => Promise<Value>, sizeOf: (value: Value) => number) {
    const known = records.get(key)
    // Under a key lies what its one loader made.
    if (known !== undefined) return { value: known.value as Value, hit: true }
    const value = await load()
    records.set(key, { value, size: 1 + sizeOf(value) })
    return { value, hit: false }
  }

  const one = async <Value>(key: string, load: () => Promise<Value>) => (await kept(key, load, () => 0)).value

  return {
    device: (id) => one(`device ${id}`, () => devices.get(id)),
    profile: (id) => one(`profile ${id}`, () => profiles.get(id)),
    site: (id) => one(`site ${id}`, () => sites.get(id)),
    series: (deviceNumber, metric) => one(`series ${deviceNumber} ${metric}`, () => series.find(deviceNumber, metric)),
    kept,
  }
}
