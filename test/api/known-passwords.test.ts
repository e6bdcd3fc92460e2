import { describe, expect, test } from 'vitest'
import { refuseKnownPassword } from '../../api/auth/known-passwords.ts'
import { isAppError } from '../../model/index.ts'

const refusal = async (password: string) => {
  try {
    await refuseKnownPassword(password)
    return undefined
  } catch (error) {
    return isAppError(error, 'invalid_input') ? error.fields.map(({ field }) => field) : error
  }
}

describe('a password that is in a list of breached ones', () => {
  // The first twelve characters and longer of the list, one from its middle, and one from its end.
  test.each([
    '1qaz2wsx3edc',
    'qwerty123456',
    '1q2w3e4r5t6y',
    'leavemealone',
    'LeaveMeAlone',
    'unbelievable',
    'manchesterunited',
  ])('%s is refused', async (password) => expect(await refusal(password)).toEqual(['password']))

  test.each([
    'leavemealone but not like that',
    'seven dry meters hum',
    'xleavemealone',
    'leavemealonx',
    'ünbelievable!',
  ])('%s is not one', async (password) => expect(await refusal(password)).toBeUndefined())
})
