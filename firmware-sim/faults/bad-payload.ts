import type { Telemetry } from '../device.ts'
import type { SentRow } from '../truth/history.ts'
import { type FaultFactory, payloadOf } from './fault.ts'

/** What broken firmware sends; each is listed as rejected under its reason, and good values beside bad ones are kept. */
const payloads: readonly ((row: SentRow) => Telemetry)[] = [
  (row) => ({ payload: payloadOf([row]).slice(0, -9), rows: [], rejected: 'not_json' }),
  () => ({ payload: '"overflow"', rows: [], rejected: 'wrong_shape' }),
  (row) => ({ payload: withMember(row, '"state":"on"'), rows: [row], rejected: 'wrong_type' }),
  (row) => ({ payload: withMember(row, '"thd":NaN'), rows: [row], rejected: 'not_finite' }),
  (row) => ({ payload: withMember(row, '"1st_harmonic":1'), rows: [row], rejected: 'bad_metric_name' }),
]

export const createBadPayload: FaultFactory = ({ device, measure }) => {
  let turn = 0
  return {
    tick(nowMs) {
      const telemetry = payloads[turn++ % payloads.length]?.(measure(nowMs))
      if (telemetry !== undefined) device.send(telemetry)
    },
    end() {},
  }
}

/** The row as a payload with one more value. */
function withMember({ timeMs, values }: SentRow, member: string): string {
  return `{"ts":${timeMs},"values":${JSON.stringify(values).slice(0, -1)},${member}}}`
}
