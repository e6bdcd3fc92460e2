import { join } from 'node:path'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createAccess } from '../../app/access.ts'
import { openState, platformActor, stateConfigSchema } from '../../store/state/index.ts'
import { makeTempFolder } from '../setup/temp-folder.ts'

test('the broker is told when a key expires, and not at all about one that has', async () => {
  using folder = makeTempFolder('access')
  let nowMs = 1_000
  const state = await openState(
    {
      ...stateConfigSchema.parse({}),
      file: join(folder.path, 'state.db'),
      migrate: true,
      tokenSecret: Buffer.alloc(32),
    },
    { clock: { now: () => nowMs }, logger: pino({ level: 'silent' }) },
  )
  const input = { name: 'test', role: 'viewer', sites: 'all', scopes: [], expiresMs: 2_000 } as const
  const { record, token: password } = await state.change(platformActor, ({ credentials }) =>
    credentials.issueKey(input),
  )
  const used: string[] = []
  const access = createAccess(state, (secretId) => void used.push(secretId), { now: () => nowMs })
  const username = `key:${record.id}`
  expect(await access.identify({ username, password })).toMatchObject({ kind: 'key', expiresMs: 2_000 })
  nowMs = 2_000
  expect(await access.identify({ username, password })).toBeUndefined()
  expect(used).toEqual([`${record.id}.1`])
  await state.close()
})
