import type { Sample } from '../signals/signal.ts'
import type { FaultFactory } from './fault.ts'

/** The sensor repeats one healthy measurement for ever: marked suspect in time, but no reason to wake anybody. */
export const createStuck: FaultFactory = ({ measure, report }) => {
  let values: Sample | undefined
  return {
    tick(nowMs) {
      const row = measure(nowMs)
      values ??= row.values
      report([{ ...row, values }])
    },
    end() {},
  }
}
