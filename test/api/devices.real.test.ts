import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Harness, startApi } from './harness.ts'

let api: Harness
beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api.stop())

describe('devices', () => {
  test('a new device gets a token, shown once, and its control frame is in the log before the answer', async () => {
    const { status, body, headers } = await api.post('/api/v1/devices', { id: 'meter-1', profileId: 'meter-1ph' })
    expect(status).toBe(201)
    expect(headers.get('location')).toBe('/api/v1/devices/meter-1')
    expect(body).toMatchObject({ id: 'meter-1', siteId: 'main', profileId: 'meter-1ph', name: 'meter-1' })
    expect(await api.state.credentials.verify(body.token)).toMatchObject({ kind: 'device-token', deviceId: 'meter-1' })
    const frame = api.fake.controls.find(({ topic }) => topic === 'device/meter-1')
    expect(JSON.parse(frame?.payload ?? '')).toMatchObject({ id: 'meter-1', number: 1, siteId: 'main' })
    expect((await api.get('/api/v1/devices/meter-1')).body.token).toBeUndefined()
  })
})
