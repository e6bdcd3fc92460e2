import { expect, test } from 'vitest'
import { startApi, startMs } from './harness.ts'

const dayMs = 24 * 3_600_000

test('a session that is used every day is over after thirty of them all the same', async () => {
  await using api = await startApi()
  const { cookie } = await api.signIn()
  const who = () => api.get('/api/v1/auth/session', { cookie })
  for (let day = 1; day < 30; day++) {
    api.setTime(startMs + day * dayMs)
    expect([day, (await who()).status]).toEqual([day, 200])
  }
  api.setTime(startMs + 30 * dayMs - 1)
  expect((await who()).status).toBe(200)
  api.setTime(startMs + 30 * dayMs)
  expect((await who()).status).toBe(401)
})
