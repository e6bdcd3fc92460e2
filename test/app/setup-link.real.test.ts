import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { makeFirstKeys, makeSetupLink } from '../../app/bootstrap-keys.ts'
import { systemClock } from '../../model/index.ts'
import { openState, platformActor, stateConfigSchema } from '../../store/state/index.ts'
import { makeTempFolder } from '../setup/temp-folder.ts'

test('each start makes another link for the first admin, until there is somebody', async () => {
  const folder = makeTempFolder('setup-link')
  const config = { ...stateConfigSchema.parse({}), file: join(folder.path, 'state.db'), migrate: true }
  const deps = { clock: systemClock, logger: pino({ level: 'silent' }) }
  const state = await openState({ ...config, tokenSecret: randomBytes(32) }, deps)
  const first = (await makeSetupLink(state)) ?? ''
  const second = (await makeSetupLink(state)) ?? ''
  expect(await state.links.find(first)).toBeUndefined()
  expect(await state.links.find(second)).toMatchObject({ purpose: 'setup', personId: null })
  const someone = {
    name: 'Ani',
    email: 'ani@example.com',
    language: 'en',
    timeZone: null,
    role: 'viewer',
    sites: 'all',
  } as const
  await state.change(platformActor, (unit) => unit.people.create(someone))
  expect(await makeSetupLink(state)).toBeUndefined()
  await state.close()
  folder.remove()
})

test('the first admin key ends after a week', async () => {
  const folder = makeTempFolder('first-key')
  const config = { ...stateConfigSchema.parse({}), file: join(folder.path, 'state.db'), migrate: true }
  let nowMs = Date.now()
  const clock = { now: () => nowMs }
  const state = await openState(
    { ...config, tokenSecret: randomBytes(32) },
    { clock, logger: pino({ level: 'silent' }) },
  )
  const { firstAdmin = '', commandLine } = await makeFirstKeys(state, folder.path, clock)
  expect(await state.credentials.verify(firstAdmin)).toMatchObject({ role: 'admin', sites: 'all' })
  nowMs += 7 * 86_400_000
  expect(await state.credentials.verify(firstAdmin)).toBeUndefined()
  expect(await state.credentials.verify(commandLine)).toBeDefined()
  // It is not made anew: whoever owns the folder makes keys by the command line.
  expect((await makeFirstKeys(state, folder.path, clock)).firstAdmin).toBeUndefined()
  await state.close()
  folder.remove()
})
