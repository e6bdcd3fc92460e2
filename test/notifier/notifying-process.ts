import { writeSync } from 'node:fs'
import { pino } from 'pino'
import { systemClock } from '../../model/index.ts'
import { createNotifier, notifierConfigSchema } from '../../notifier/index.ts'
import { openState } from '../../store/state/index.ts'
import { settings } from '../store/state/harness.ts'
import { tokenSecret } from '../store/state/sqlite-place.ts'

/**
 * A notifier of its own, to be killed. With `hold` it stops between the server's answer and its record, and says
 * `answered`.
 */
const [, , file = '', smtpUrl = '', hold = ''] = process.argv
const logger = pino({ level: 'silent' })
const stateConfig = { ...settings, file, migrate: false, tokenSecret }
const state = await openState(stateConfig, { clock: systemClock, logger })
const config = notifierConfigSchema.parse({ smtpUrl, pollMs: 20, firstRetryMs: 20, longestRetryMs: 100 })
const deliveries = {
  ...state.deliveries,
  recordAttempt: (...args: Parameters<typeof state.deliveries.recordAttempt>) => {
    if (hold !== 'hold') return state.deliveries.recordAttempt(...args)
    writeSync(1, 'answered\n')
    return new Promise<never>(() => {})
  },
}
const deps = { emlFolder: '/nowhere', clock: systemClock, random: Math.random, logger, onDone: () => {} }
createNotifier(config, { state: { ...state, deliveries }, ...deps }).start()
writeSync(1, 'started\n')
