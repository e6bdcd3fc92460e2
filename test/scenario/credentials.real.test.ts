import { connectAsync } from 'mqtt'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { waitUntil } from '../setup/wait.ts'
import { startPlatform } from './platform.ts'

const secret = z.object({ token: z.string() })
const tokens = z.object({ items: z.array(z.object({ id: z.string(), lastUsedAt: z.string().nullable() })) })
const keys = z.object({ items: z.array(z.object({ id: z.string(), name: z.string() })) })

test('a secret that is replaced or revoked opens nothing any more, over restarts too', async () => {
  await using platform = await startPlatform()
  const { client } = platform
  const answer = async (method: string, path: string, body?: unknown): Promise<unknown> =>
    (await client.request(method, path, body)).json()
  const { id, token } = await client.createDevice({ id: 'meter-1', profileId: 'meter-1ph' })
  const connect = (password: string) =>
    connectAsync(`mqtt://127.0.0.1:${platform.mqttPort}`, { username: id, password, reconnectPeriod: 0 })
  const path = `/api/v1/devices/${id}/tokens`

  // With an overlap both are good, and whoever is connected stays.
  const first = await connect(token)
  const second = secret.parse(await answer('POST', `${path}/rotate`, { overlapS: 600 }))
  await first.publishAsync(`pel/v1/${id}/telemetry`, '{"voltage":230}', { qos: 1 })
  const newer = await connect(second.token)

  // Without, all that was before ends now.
  const third = secret.parse(await answer('POST', `${path}/rotate`, { overlapS: 0 }))
  await waitUntil('both to be cut off', () => !first.connected && !newer.connected)
  for (const password of [token, second.token])
    await expect(connect(password)).rejects.toThrow(/not authorized|bad user/i)
  const newest = await connect(third.token)
  await newest.publishAsync(`pel/v1/${id}/telemetry`, '{"voltage":231}', { qos: 1 })

  // Revoking one leaves those who are connected by the other.
  const fourth = secret.parse(await answer('POST', path))
  const other = await connect(fourth.token)
  const [oldest] = tokens.parse(await answer('GET', path)).items
  await client.request('DELETE', `${path}/${oldest?.id}`)
  await waitUntil('it to be cut off', () => !newest.connected)
  await other.publishAsync(`pel/v1/${id}/telemetry`, '{"voltage":232}', { qos: 1 })
  await other.endAsync()

  await platform.stop()
  await platform.start()
  expect(tokens.parse(await answer('GET', path)).items).toMatchObject([{ lastUsedAt: expect.any(String) }])
  await expect(connect(third.token)).rejects.toThrow(/not authorized|bad user/i)
  await (await connect(fourth.token)).endAsync()

  // The operator's own key too, though the environment still names it.
  const { items } = keys.parse(await answer('GET', '/api/v1/keys'))
  const bootstrap = items.find(({ name }) => name === 'bootstrap')
  expect((await client.request('DELETE', `/api/v1/keys/${bootstrap?.id}`)).status).toBe(204)
  await platform.stop()
  await platform.start()
  expect((await client.request('GET', '/api/v1/keys')).status).toBe(401)
  expect(platform.log()).toContain('BOOTSTRAP_ADMIN_KEY is not accepted')
})
