import { withRecent } from '../../../store/readings/index.ts'
import { describeWith } from '../../setup/require-tool.ts'
import { describeReadingStore } from './conformance.ts'
import { useInfluxdb } from './influxdb-place.ts'

const supports = { restart: true, counts: false, wholeBatches: false, everyTime: false, runs: 15 } as const

describeWith(['influxd'], 'InfluxDB', () => {
  const begin = useInfluxdb()
  describeReadingStore('InfluxDB', begin, supports)
  describeReadingStore(
    'InfluxDB with recent readings',
    async () => {
      const place = await begin()
      return { ...place, create: (catalog) => withRecent(place.create(catalog), { bytesMax: 4_000 }) }
    },
    { ...supports, runs: 8 },
  )
})
