import { AppError } from './errors.ts'

/** What a guesser tries first for this very person and platform (ASVS 6.2.11). */
export interface PasswordContext {
  readonly email: string
  readonly name: string
}

const always = ['pelbiot', 'password', 'passwort', 'katasandi', 'administrator', 'qwertyuiop', '123456789', 'letmein']

/**
 * Refuses a password that is little more than a word that belongs to the person or the platform, or the same few characters again
 * and again; `invalid_input` for field `password`.
 */
export function refuseWeakPassword(password: string, { email, name }: PasswordContext): void {
  const text = password.toLowerCase()
  if (new Set(text).size < 5) throw weak('repeats the same few characters')
  const [local = '', domain = ''] = email.toLowerCase().split('@')
  const own = [local, domain.split('.')[0] ?? '', ...name.toLowerCase().split(/\s+/)].filter((word) => word.length >= 3)
  const rest = [...own, ...always].reduce((left, word) => left.replaceAll(word, ''), text)
  const left = rest.replaceAll(/[^\p{L}\p{N}]|(?:19|20)\d\d|^\d+|\d+$/gu, '')
  if (left.length < 4 && rest.length < text.length) throw weak('is made of words that anybody would try first')
}

function weak(message: string): AppError {
  return new AppError('invalid_input', `set password failed: it ${message}`, {
    fields: [{ field: 'password', message }],
  })
}
