import { createHmac, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto'

/** Readable, so that people and secret scanners know one when they see it. */
const prefixes = { 'device-token': 'pel_dev_', 'api-key': 'pel_key_' } as const

/** 256 random bits, base64url. */
export function newToken(kind: keyof typeof prefixes): string {
  return prefixes[kind] + randomBytes(32).toString('base64url')
}

/** Whether it could be one of ours, and so cannot be guessed. */
export function isRandomToken(text: string): boolean {
  return /^pel_(?:dev|key)_[\w-]{43}$/.test(text)
}

/** 60 random bits in lower-case base 32 (RFC 4648 without the digits 0 and 1): fits an id, a topic level and a URL. */
export function newId(): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'
  return Array.from(randomBytes(12), (byte) => alphabet[byte & 31]).join('')
}

/**
 * A fast hash is right for tokens of 256 random bits (nothing can be guessed), and 10,000 devices may reconnect at
 * once; the key makes a stolen database useless for guessing weak bootstrap keys.
 */
export function hashToken(secret: KeyObject, token: string): Buffer {
  return createHmac('sha256', secret).update(token).digest()
}

/** In constant time; equal lengths are a matter of course for two hashes. */
export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}
