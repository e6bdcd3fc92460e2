import { parse, parseSigned, serializeSigned } from 'hono/utils/cookie'

/** `__Host-`: no page of a neighbouring domain can set it (RFC 6265bis, section 4.1.3.2); browsers take it over TLS only. */
export function cookiePrefix(secure: boolean): string {
  return secure ? '__Host-pelbiot' : 'pelbiot'
}

/** Who brings it: the header whole, and whether they come over TLS. */
export interface CookieBearer {
  readonly cookie: string | null
  readonly secure: boolean
}

export interface SessionCookie {
  /** Whether there is one, right or wrong. */
  isIn(bearer: CookieBearer): boolean
  /** The token in it, when we signed it. */
  tokenOf(bearer: CookieBearer): Promise<string | undefined>
  /** What the library knows a sign-in by that waits for a code. */
  stepOf(bearer: CookieBearer): Promise<string | undefined>
  /** The cookie for a session that lives on for `maxAgeS`. */
  write(token: string, terms: { readonly secure: boolean; readonly maxAgeS: number }): Promise<string>
}

function nameOf(secure: boolean): string {
  return `${cookiePrefix(secure)}.session_token`
}

/** Reads and writes what the account library does, without loading it: the same HMAC-SHA256, `value.signature`. */
export function createSessionCookie(secret: string): SessionCookie {
  async function signed({ cookie, secure }: CookieBearer, kind: string): Promise<string | undefined> {
    if (cookie === null) return undefined
    const name = `${cookiePrefix(secure)}.${kind}`
    const value = (await parseSigned(cookie, secret, name))[name]
    return value === false ? undefined : value
  }

  return {
    isIn({ cookie, secure }) {
      const name = nameOf(secure)
      return cookie !== null && parse(cookie, name)[name] !== undefined
    },
    tokenOf: (bearer) => signed(bearer, 'session_token'),
    stepOf: (bearer) => signed(bearer, 'two_factor'),
    write: (token, { secure, maxAgeS }) =>
      serializeSigned(nameOf(secure), token, secret, {
        maxAge: maxAgeS,
        path: '/',
        httpOnly: true,
        sameSite: 'Strict',
        secure,
      }),
  }
}
