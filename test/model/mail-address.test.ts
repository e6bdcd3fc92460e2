import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isMailAddress } from '../../model/index.ts'

describe('mail addresses', () => {
  test.for(['ops@example.com', 'o.p-s+x@mail.example.co.id', 'root@localhost', "o'brien@example.com", 'a@b'])(
    'takes %s',
    (address) => expect(isMailAddress(address)).toBe(true),
  )

  test.for([
    '',
    'ops',
    '@example.com',
    'ops@',
    'ops@exa mple.com',
    'o..ps@example.com',
    '.ops@example.com',
    'ops@-example.com',
    'ops@example..com',
    'Ops <ops@example.com>',
    'ops@example.com,b@example.com',
    'ops@example.com\r\nBcc: all@example.com',
    'ops@example.com\n',
    'ops\u0000@example.com',
    `${'a'.repeat(65)}@example.com`,
    `a@${'b'.repeat(250)}.com`,
    'ops@ex>ample.com',
  ])('refuses %j', (address) => expect(isMailAddress(address)).toBe(false))

  test('what is taken can begin no header and no second address', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 40 }),
        fc.string({ unit: 'binary', maxLength: 40 }),
        (a, b) => {
          const text = `${a}@${b}`
          if (isMailAddress(text)) expect(text).toMatch(/^[!-~]+@[A-Za-z0-9.-]+$/)
          if (isMailAddress(text)) expect(text).not.toMatch(/[,;<>()[\]\\"\s]/)
        },
      ),
    )
  })
})
