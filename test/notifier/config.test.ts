import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { notifierConfigSchema } from '../../notifier/index.ts'
import { isMailAddress, oneLine, parseMailbox } from '../../notifier/mail-address.ts'

const parse = (settings: Record<string, unknown>) => notifierConfigSchema.safeParse(settings)

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

  test('a sender may have a name, but not one that runs over its line', () => {
    expect(parseMailbox('Gedung Contoh <ops@example.com>')).toEqual({
      name: 'Gedung Contoh',
      address: 'ops@example.com',
    })
    expect(parseMailbox('"Gedung, Contoh" <ops@example.com>')?.name).toBe('Gedung, Contoh')
    expect(parseMailbox('ops@example.com')).toEqual({ name: '', address: 'ops@example.com' })
    expect(parseMailbox('A\r\nBcc: x@example.com <ops@example.com>')).toBeUndefined()
    expect(parseMailbox('A <ops@example.com> <b@example.com>')).toBeUndefined()
  })

  test('text for a header stays one line, of a bounded length', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const line = oneLine(text, 80)
        expect(line.length).toBeLessThanOrEqual(80)
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
        expect(line).not.toMatch(/[\u0000-\u001f\u007f\u0085\u2028\u2029]/)
      }),
    )
  })
})

describe('settings of the notifier', () => {
  test('without any, mails become files and go to nobody', () => {
    expect(notifierConfigSchema.parse({})).toMatchObject({ recipients: [], from: { address: 'pelbiot@localhost' } })
  })

  test('recipients are a list in which each is there once', () => {
    const { recipients } = notifierConfigSchema.parse({
      recipients: 'ann@example.com, Ann@Example.com,,ben@example.com ',
    })
    expect(recipients.map((address) => address.toLowerCase())).toEqual(['ann@example.com', 'ben@example.com'])
  })

  test('a wrong recipient is named', () => {
    const result = parse({ recipients: 'ann@example.com,ben' })
    expect(result.error?.issues[0]?.message).toContain('"ben"')
  })

  test.for([
    'mail.example.com',
    'http://mail.example.com',
    'smtp://',
    'smtp://mail.example.com/path',
    'smtp://mail.example.com?pool=false',
    'smtp://mail.example.com:99999',
    'smtp://user:100%@mail.example.com',
  ])('refuses %s as an SMTP server', (smtpUrl) => expect(parse({ smtpUrl }).success).toBe(false))

  test.for(['smtp://mail.example.com', 'smtps://user:p%40ss@mail.example.com:465', 'smtp://[::1]:25'])(
    'takes %s as an SMTP server',
    (smtpUrl) => expect(parse({ smtpUrl }).success).toBe(true),
  )

  test('the address of the platform is one that a mail can link to', () => {
    expect(parse({ publicUrl: 'https://pel.example.com' }).success).toBe(true)
    expect(parse({ publicUrl: 'javascript:alert(1)' }).success).toBe(false)
    expect(parse({ publicUrl: 'pel.example.com' }).success).toBe(false)
  })
})
