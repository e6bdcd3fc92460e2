import { createHash, randomBytes } from 'node:crypto'

const codes = 10
const codeBytes = 15
/** Crockford's: none of them is taken for another. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const hashed = 'sha256:'

/** 120 random bits each, as six groups of four: so many that nobody can try them, so a plain hash keeps them. */
export function makeRecoveryCodes(): string[] {
  return Array.from({ length: codes }, () => {
    const bits = BigInt(`0x${randomBytes(codeBytes).toString('hex')}`)
    const digits = Array.from(
      { length: (codeBytes * 8) / 5 },
      (_, i) => alphabet[Number((bits >> BigInt(5 * i)) & 31n)],
    )
    return digits.join('').replaceAll(/.{4}(?=.)/g, '$&-')
  })
}

/** What is kept of a code, however it was typed. */
export function hashRecoveryCode(code: string): string {
  const typed = code.toUpperCase().replaceAll(/[^0-9A-Z]/g, '')
  return hashed + createHash('sha256').update(typed).digest('base64url')
}

/**
 * How the library keeps a list of codes; it compares what it is given with what it finds, so whoever asks it gives it a hash.
 * It also comes back with what is left of a list that it has read.
 */
export const recoveryCodeStorage = {
  encrypt: async (list: string): Promise<string> => {
    const all = JSON.parse(list) as string[]
    return JSON.stringify(all.map((code) => (code.startsWith(hashed) ? code : hashRecoveryCode(code))))
  },
  decrypt: async (stored: string): Promise<string> => stored,
}
