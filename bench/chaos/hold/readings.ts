import * as door from '../../../store/readings/index.ts'
import { commitUnder, readHold } from './hold.ts'

export * from '../../../store/readings/index.ts'

/** The readings store, with a hold on the batch that has the value. */
export const createDuckdbReadings: typeof door.createDuckdbReadings = (config, deps) => {
  const hold = readHold()
  const store = door.createDuckdbReadings(config, deps)
  return {
    ...store,
    write(batch, position) {
      const write = () => store.write(batch, position)
      return batch.values.subarray(0, batch.length).includes(hold.value)
        ? commitUnder(hold, 'readings', write)
        : write()
    },
  }
}
