import { expect, test } from 'vitest'
import { hashRecoveryCode, makeRecoveryCodes, recoveryCodeStorage } from '../../api/auth/recovery-codes.ts'

test('what is kept of recovery codes does not tell them, and is not hashed twice', async () => {
  const codes = makeRecoveryCodes()
  expect(new Set(codes).size).toBe(10)
  const kept = await recoveryCodeStorage.encrypt(JSON.stringify(codes))
  for (const code of codes) expect(kept).not.toContain(code)
  const found = JSON.parse(await recoveryCodeStorage.decrypt(kept)) as string[]
  expect(found).toEqual(codes.map(hashRecoveryCode))
  const left = found.slice(1)
  expect(JSON.parse(await recoveryCodeStorage.encrypt(JSON.stringify(left)))).toEqual(left)
})

test('the hash of a code is no code', () => {
  const [code = ''] = makeRecoveryCodes()
  expect(hashRecoveryCode(hashRecoveryCode(code))).not.toBe(hashRecoveryCode(code))
})
