import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { notifierConfigSchema } from '../../notifier/index.ts'
import { oneLine, parseMailbox } from '../../notifier/mailbox.ts'

const parse = (settings: Record<string, unknown>) => notifierConfigSchema.safeParse(settings)

describe('names in headers', () => {
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
  test('without any, mails become files', () => {
    expect(notifierConfigSchema.parse({})).toMatchObject({ from: { name: 'PELBIoT', address: 'pelbiot@localhost' } })
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
