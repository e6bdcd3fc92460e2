/** Members whose value is a secret whatever it looks like. */
const secretName =
  /(?:token|secret|password|passwd|passphrase|hash|salt|api_?key|private_?key|credential|cookie|authorization|recovery_?code|backup_?code|otp|dsn)s?$/i

/** Secrets that give themselves away wherever they stand: a password in an address, a token of ours, a private key. */
const secretTexts: readonly (readonly [pattern: RegExp, shown: string])[] = [
  [/\b([a-z][a-z0-9+.-]*:\/\/[^\s:/?#@]*):[^\s/?#]*@/gi, '$1:[secret]@'],
  [/\b(pel_(?:dev|key|link)_)[A-Za-z0-9_-]{16,}/g, '$1[secret]'],
  [/\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{16,}/gi, '$1 [secret]'],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, '[secret]'],
]

/** A record as the audit log keeps it; null for none. */
export function maskedJson(value: unknown): string | null {
  if (value === undefined) return null
  return JSON.stringify(value, (name, inner: unknown) => {
    if (inner === null) return null
    if (secretName.test(name)) return '[secret]'
    return typeof inner === 'string' ? maskedText(inner) : inner
  })
}

function maskedText(text: string): string {
  return secretTexts.reduce((masked, [pattern, shown]) => masked.replace(pattern, shown), text)
}
