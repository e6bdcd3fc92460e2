import * as door from '../../../store/state/index.ts'
import { commitUnder, readHold } from './hold.ts'

export * from '../../../store/state/index.ts'

/** The state, with a hold on the steps of alerts that the value made. */
export const openState: typeof door.openState = async (...args) => {
  const hold = readHold()
  const state = await door.openState(...args)
  return {
    ...state,
    alertLedger: {
      ...state.alertLedger,
      record(transitions, position) {
        const record = () => state.alertLedger.record(transitions, position)
        const made = transitions.some(({ value }) => value === hold.value)
        return made ? commitUnder(hold, 'transitions', record) : record()
      },
    },
  }
}
