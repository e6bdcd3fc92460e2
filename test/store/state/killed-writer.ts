import { writeSync } from 'node:fs'
import { pino } from 'pino'
import { openState, type StateConfig, stateConfigSchema } from '../../../store/state/index.ts'
import { actor, createTestClock, device, site } from './harness.ts'

/** Says the name of every site once it and its device are stored; then stops in the middle of a change, to be killed. */
const [, , file = '', changes = '0'] = process.argv
const config: StateConfig = { ...stateConfigSchema.parse({}), file, migrate: true, tokenSecret: new Uint8Array(32) }
const state = await openState(config, { clock: createTestClock(), logger: pino({ level: 'silent' }) })

const say = (line: string) => writeSync(1, `${line}\n`)
for (let i = 0; i < Number(changes); i++) {
  await state.change(actor('writer'), async (unit) => {
    await unit.sites.create(site(`site-${i}`))
    await unit.devices.create(device(`device-${i}`, { siteId: site(`site-${i}`).id }))
  })
  say(`site-${i}`)
}
setInterval(() => undefined, 60_000)
await state.change(actor('writer'), async (unit) => {
  await unit.sites.create(site('half'))
  say('inside')
  await new Promise(() => undefined)
})
