/** "Gedung Contoh", an example building: what the demo registers for the simulator's points. */

export const site = { id: 'main', name: 'Gedung Contoh', timeZone: 'Asia/Jakarta', currency: 'IDR' } as const
/** Jakarta has no daylight saving time. */
export const utcOffsetMs = 7 * 3_600_000

interface Asset {
  readonly id: string
  readonly parentId: string | null
  readonly kind: 'transformer' | 'panel' | 'load' | 'weather-station'
  readonly name: string
  readonly ratingKva?: number
  readonly ratingA?: number
}

interface Place {
  /** The simulator's name of the point. */
  readonly point: string
  readonly deviceId: string
  readonly profileId: string
  readonly asset: Asset
}

const panels = [
  { id: 'panel-lobby', name: 'Panel lobi', loads: ['Lampu lobi', 'Kafe', 'Toko'] },
  { id: 'panel-office', name: 'Panel kantor', loads: ['Kantor lantai 1', 'Kantor lantai 2', 'Ruang server'] },
  { id: 'panel-plant', name: 'Panel mesin', loads: ['Lift', 'Pompa air', 'AC pusat'] },
] as const

/** Parents before their children. */
export const places: readonly Place[] = [
  {
    point: 'weather',
    deviceId: 'weather',
    profileId: 'weather-station',
    asset: { id: 'roof', parentId: null, kind: 'weather-station', name: 'Atap' },
  },
  {
    point: 'transformer-1',
    deviceId: 'trafo-1',
    profileId: 'transformer',
    asset: { id: 'trafo-1', parentId: null, kind: 'transformer', name: 'Trafo 1, 20 kV/400 V', ratingKva: 100 },
  },
  ...panels.flatMap(({ id, name, loads }, p): Place[] => [
    {
      point: `panel-1-${p + 1}`,
      deviceId: id,
      profileId: 'meter-3ph',
      asset: { id, parentId: 'trafo-1', kind: 'panel', name, ratingA: 63 },
    },
    ...loads.map((load, l): Place => {
      const loadId = `load-${p + 1}-${l + 1}`
      return {
        point: `load-1-${p + 1}-${l + 1}`,
        deviceId: loadId,
        profileId: 'meter-1ph',
        asset: { id: loadId, parentId: id, kind: 'load', name: load, ratingA: 63 },
      }
    }),
  ]),
]

/** The motor that will not start. */
export const troublePoint = 'load-1-3-2'
