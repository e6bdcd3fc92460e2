import { parentPort, workerData } from 'node:worker_threads'
import { pino } from 'pino'
import { openState, type StateConfig } from '../../../store/state/index.ts'
import { actor, createTestClock, deviceId, series, site } from './harness.ts'

/** One of several threads that write the same rows of the same state; answers with the series ids it was given. */
const { name, config, rounds } = workerData as { name: string; config: StateConfig; rounds: number }

const state = await openState(config, { clock: createTestClock(), logger: pino({ level: 'silent' }) })
const shared = deviceId('shared')
const seriesIds: number[] = []
for (let round = 0; round < rounds; round++) {
  await state.change(actor(name), async (unit) => {
    const n = (await unit.devices.get(shared))?.attributes['n']
    await unit.devices.update(shared, { attributes: { n: Number(n) + 1 } })
    await unit.sites.create(site(`${name}-${round}`))
  })
  const made = await state.series.ensure([series(1, `m${round}`), series(2, `m${round}`)])
  seriesIds.push(...made.map((one) => one.seriesId))
  await state.ledger.commit(name, round + 1, [])
}
await state.close()
parentPort?.postMessage(seriesIds)
