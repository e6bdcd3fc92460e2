import { describe, expect, test } from 'vitest'
import { parseKeyId } from '../../../../model/index.ts'
import type { ApiKeyInput, ApiKeyRecord } from '../../../../store/state/index.ts'
import { device, deviceId, type MakeStatePlace, north, refusal, useState, walk } from '../harness.ts'

export function describeCredentials(make: MakeStatePlace): void {
  describe('credentials', () => {
    const bench = useState(make)
    const key: ApiKeyInput = { name: 'console', role: 'operator', sites: [north], scopes: ['read'], expiresMs: null }
    const m1 = deviceId('m1')

    test('a device proves itself with the token that it was given', async () => {
      const { state, change, clock } = bench()
      const { record, token } = await change(async (unit) => {
        await unit.devices.create(device('m1'))
        return unit.credentials.issueDeviceToken(m1)
      })
      expect(token).toMatch(/^pel_dev_[\w-]{43}$/)
      expect(record).toMatchObject({ deviceId: m1, createdMs: clock.now(), expiresMs: null, revokedMs: null })
      expect(await state.credentials.verify(token)).toEqual({ ...record, secretId: record.id, goodUntilMs: null })
    })

    test('anything else proves nothing', async () => {
      const { state, change } = bench()
      const { token } = await change((unit) => unit.credentials.issueKey(key))
      for (const wrong of ['', token.slice(1), `${token} `, token.toUpperCase(), 'x'.repeat(100_000), '\u0000'])
        expect(await state.credentials.verify(wrong)).toBeUndefined()
    })

    test('a device has two tokens during a rotation, not three', async () => {
      const { state, change, clock } = bench()
      clock.set(clock.now() + 1)
      const second = await change((unit) => unit.credentials.issueDeviceToken(m1))
      expect(await refusal(change((unit) => unit.credentials.issueDeviceToken(m1)))).toBe('conflict tokens')
      const [first, ...others] = await state.credentials.deviceTokens(m1)
      expect(others).toEqual([second.record])
      await change((unit) => unit.credentials.revokeDeviceToken(m1, first?.id ?? ''))
      expect(await state.credentials.deviceTokens(m1)).toEqual([second.record])
      await change((unit) => unit.credentials.issueDeviceToken(m1))
    })

    test("a token is revoked only as the device's own, and only once", async () => {
      const { state, change } = bench()
      await change((unit) => unit.devices.create(device('m2')))
      const [token] = await state.credentials.deviceTokens(m1)
      const revoke = (owner: string) =>
        refusal(change((unit) => unit.credentials.revokeDeviceToken(deviceId(owner), token?.id ?? '')))
      expect(await revoke('m2')).toBe('not_found')
      expect(await revoke('m3')).toBe('not_found')
      expect(await revoke('m1')).toBe('not refused')
      expect(await revoke('m1')).toBe('not_found')
      expect(await refusal(change((unit) => unit.credentials.issueDeviceToken(deviceId('m3'))))).toBe('not_found')
    })

    test('a key knows its role, sites and scopes', async () => {
      const { state, change, clock } = bench()
      const { record, token } = await change((unit) => unit.credentials.issueKey(key))
      expect(token).toMatch(/^pel_key_[\w-]{43}$/)
      const { secrets, ...own } = record
      expect(own).toEqual({ kind: 'api-key', ...key, id: record.id, createdMs: clock.now(), revokedMs: null })
      expect(secrets).toEqual([{ id: `${record.id}.1`, createdMs: clock.now(), expiresMs: null, lastUsedMs: null }])
      expect(await state.credentials.verify(token)).toEqual({ ...own, secretId: `${record.id}.1`, goodUntilMs: null })
      expect(await state.credentials.getKey(record.id)).toEqual(record)
    })

    test('a key holds until the millisecond it expires', async () => {
      const { state, change, clock } = bench()
      const expiresMs = clock.now() + 1_000
      const { token } = await change((unit) => unit.credentials.issueKey({ ...key, expiresMs }))
      clock.set(expiresMs - 1)
      expect(await state.credentials.verify(token)).toBeDefined()
      clock.set(expiresMs)
      expect(await state.credentials.verify(token)).toBeUndefined()
    })

    test('a revoked key proves nothing from then on, and stays listed', async () => {
      const { state, change, clock } = bench()
      const { record, token } = await change((unit) => unit.credentials.issueKey(key))
      await change((unit) => unit.credentials.revokeKey(record.id))
      await change((unit) => unit.credentials.revokeKey(record.id))
      expect(await state.credentials.verify(token)).toBeUndefined()
      const listed = await walk<ApiKeyRecord, string>((after) => state.credentials.listKeys({ limit: 1, after }))
      expect(listed.find((one) => one.id === record.id)?.revokedMs).toBe(clock.now())
      expect(await refusal(change((unit) => unit.credentials.revokeKey(parseKeyId('none'))))).toBe('not_found')
    })

    test('a rotated token overlaps with the one before, and the log is told when that ends', async () => {
      const { state, change, clock, takeOutbox } = bench()
      const m4 = deviceId('m4')
      const first = await change(async (unit) => {
        await unit.devices.create(device('m4'))
        return unit.credentials.issueDeviceToken(m4)
      })
      await takeOutbox()
      const second = await change((unit) => unit.credentials.rotateDeviceToken(m4, 5_000))
      const endsMs = clock.now() + 5_000
      const [frame] = await state.outbox.pending(1)
      expect(frame?.topic).toBe('credential/m4')
      expect(JSON.parse(Buffer.from(frame?.payload ?? '').toString())).toEqual({
        principal: 'm4',
        ends: [{ secretId: first.record.id, endsMs }],
      })
      expect(await state.credentials.verify(first.token)).toMatchObject({ goodUntilMs: endsMs })
      expect(await refusal(change((unit) => unit.credentials.rotateDeviceToken(m4, 1)))).toBe('conflict overlapS')
      clock.set(endsMs)
      expect(await state.credentials.verify(first.token)).toBeUndefined()
      expect(await state.credentials.deviceTokens(m4)).toEqual([second.record])
      const third = await change((unit) => unit.credentials.rotateDeviceToken(m4, 0))
      expect(await state.credentials.deviceTokens(m4)).toEqual([third.record])
      expect(await refusal(change((unit) => unit.credentials.rotateDeviceToken(deviceId('m9'), 0)))).toBe('not_found')
    })

    test('a rotated key overlaps with its secret before, and ends when the key does', async () => {
      const { state, change, clock } = bench()
      const expiresMs = clock.now() + 10_000
      const first = await change((unit) => unit.credentials.issueKey({ ...key, expiresMs }))
      const { id } = first.record
      const second = await change((unit) => unit.credentials.rotateKey(id, 60_000))
      expect(second.record.secrets.map((secret) => secret.id)).toEqual([`${id}.2`, `${id}.1`])
      expect(await state.credentials.verify(first.token)).toMatchObject({ secretId: `${id}.1`, goodUntilMs: expiresMs })
      expect(await state.credentials.verify(second.token)).toMatchObject({
        secretId: `${id}.2`,
        goodUntilMs: expiresMs,
      })
      expect(await refusal(change((unit) => unit.credentials.rotateKey(id, 1)))).toBe('conflict overlapS')
      const third = await change((unit) => unit.credentials.rotateKey(id, 0))
      for (const { token } of [first, second]) {
        expect(await state.credentials.verify(token)).toBeUndefined()
        expect(await state.credentials.isKnown(token)).toBe(true)
        expect(await refusal(change((unit) => unit.credentials.issueKey(key, token)))).toBe('conflict token')
      }
      clock.set(expiresMs)
      expect(await state.credentials.verify(third.token)).toBeUndefined()
      expect(await refusal(change((unit) => unit.credentials.rotateKey(id, 0)))).toBe('conflict id')
    })

    test('a revoked key takes the secret before along', async () => {
      const { state, change } = bench()
      const first = await change((unit) => unit.credentials.issueKey(key))
      const second = await change((unit) => unit.credentials.rotateKey(first.record.id, 60_000))
      await change((unit) => unit.credentials.revokeKey(first.record.id))
      for (const { token } of [first, second]) expect(await state.credentials.verify(token)).toBeUndefined()
      expect(await refusal(change((unit) => unit.credentials.rotateKey(first.record.id, 0)))).toBe('conflict id')
    })

    test('uses are kept by secret, the latest of each, and of what has gone nothing', async () => {
      const { state, change } = bench()
      const { record } = await change((unit) => unit.credentials.issueKey(key))
      await change((unit) => unit.credentials.rotateKey(record.id, 60_000))
      const use = (secretId: string, usedMs: number) => ({ secretId, usedMs })
      await state.credentialUses.record([use(`${record.id}.1`, 7), use(`${record.id}.2`, 9), use('gone', 1)])
      await state.credentialUses.record([use(`${record.id}.1`, 5), use(`${record.id}.2`, 11)])
      const found = await state.credentials.getKey(record.id)
      expect(found?.secrets.map(({ lastUsedMs }) => lastUsedMs)).toEqual([11, 7])
    })

    test("an operator's own key is taken as it is, once", async () => {
      const { state, change } = bench()
      const own = 'correct horse battery staple'
      const issued = await change((unit) => unit.credentials.issueKey(key, own))
      expect(issued.token).toBe(own)
      expect(await state.credentials.verify(own)).toMatchObject({ id: issued.record.id })
      expect(await refusal(change((unit) => unit.credentials.issueKey(key, own)))).toBe('conflict token')
      expect(await refusal(change((unit) => unit.credentials.issueKey(key, '')))).toBe('invalid_input token')
    })
  })
}
