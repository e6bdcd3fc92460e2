/**
 * For every answer, whoever gives it: the app, and what answers bytes that never become a request. A table and not
 * Hono's middleware, because the latter has only the app's answers.
 */
const always = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy':
    'accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), ' +
    'midi=(), payment=(), usb=()',
} as const

/** Where the answer does not say otherwise: data, which loads nothing, stands in no frame and is kept by nobody. */
const unlessGiven = {
  'content-security-policy': "default-src 'none'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
} as const

/** A year, without subdomains: those are not ours. */
const transport = { 'strict-transport-security': 'max-age=31536000' } as const

/** A head: names in lower case. */
export type Head = Readonly<Record<string, string>>

/** The head with these beside it, which it can make narrower where a page needs more, and not leave out. */
export function withSecurityHeaders(own: Head, { secure }: { readonly secure: boolean }): Head {
  return { ...unlessGiven, ...own, ...always, ...(secure && transport) }
}

/**
 * The policy of a page of ours, which loads scripts and styles from this server only and speaks with it alone. `more` are
 * directives that a page needs beside these, or instead of them.
 */
export function pagePolicy(more: Readonly<Record<string, string>> = {}): string {
  const directives = {
    'default-src': "'none'",
    'script-src': "'self'",
    'style-src': "'self'",
    'connect-src': "'self'",
    'base-uri': "'none'",
    'form-action': "'none'",
    'frame-ancestors': "'none'",
    ...more,
  }
  return Object.entries(directives)
    .map(([name, value]) => `${name} ${value}`)
    .join('; ')
}
