import { writeSync } from 'node:fs'
import { pino } from 'pino'
import { openState, type StateConfig } from '../../../store/state/index.ts'
import { createTestClock, settings, transition } from './harness.ts'

/** Records an alert after another and dispatches each at once, saying every position that is stored, until it is killed. */
const [, , file = ''] = process.argv
const config: StateConfig = { ...settings, file, migrate: true, tokenSecret: new Uint8Array(32) }
const state = await openState(config, { clock: createTestClock(), logger: pino({ level: 'silent' }) })

for (let position = 1; ; position++) {
  const steps = [transition(`a${position}`, 0), transition(`a${position}`, 1, { kind: 'severity' })]
  await state.alertLedger.record(steps, position)
  const events = await state.dispatch.events(await state.dispatch.position(), 100)
  const last = events.at(-1)
  if (last !== undefined)
    await state.dispatch.commit(
      last.id,
      events.map(({ id }) => ({ eventId: id, channel: 'email', recipient: 'ani@example.org' })),
    )
  writeSync(1, `${position}\n`)
}
