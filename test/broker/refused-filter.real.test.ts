import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openSessions, temporaryFolder } from '../store/sessions/temporary.ts'
import { startHarness } from './harness.ts'

test('a refused filter leaves nothing in the persistent session, its neighbours in the SUBSCRIBE do', async () => {
  const folder = await temporaryFolder()
  const harness = await startHarness({ folder, devices: { meter1: {}, meter2: {} } })
  const client = await harness.client('meter1', { clientId: 'c', clean: false })
  const granted = await client
    .subscribeAsync({
      'pel/v1/meter1/commands/+': { qos: 1 },
      'pel/v1/meter2/commands/+': { qos: 1 },
    })
    .catch((error: unknown) => error)
  expect(granted).toBeDefined()
  await client.endAsync()
  await harness.stop()
  const sessions = await openSessions({ folder: join(folder, 'sessions') })
  expect(sessions.subscriptions.of('meter1/c')).toMatchObject([{ filter: 'pel/v1/meter1/commands/+', qos: 1 }])
})
