import { describe, expect, test } from 'vitest'
import { dispatcherConfigSchema } from '../../alerts/index.ts'

describe('settings of the dispatcher', () => {
  test('without any nobody is told', () => {
    expect(dispatcherConfigSchema.parse({}).recipients).toEqual([])
  })

  test('recipients are a list in which each is there once', () => {
    const { recipients } = dispatcherConfigSchema.parse({
      recipients: 'ann@example.com, Ann@Example.com,,ben@example.com ',
    })
    expect(recipients.map((address) => address.toLowerCase())).toEqual(['ann@example.com', 'ben@example.com'])
  })

  test('a wrong recipient is named', () => {
    const result = dispatcherConfigSchema.safeParse({ recipients: 'ann@example.com,ben' })
    expect(result.error?.issues[0]?.message).toContain('"ben"')
  })
})
