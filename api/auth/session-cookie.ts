import { parse, parseSigned } from 'hono/utils/cookie'

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
  /** Whether it lives as long as the browser runs, and is not to be renewed. */
  isForThisVisit(bearer: CookieBearer): boolean
}

/** Reads what the account library writes, without loading it: the same HMAC-SHA256, `value.signature`. */
export function createSessionCookie(secret: string): SessionCookie {
  const has = ({ cookie, secure }: CookieBearer, kind: string) => {
    const name = `${cookiePrefix(secure)}.${kind}`
    return cookie !== null && parse(cookie, name)[name] !== undefined
  }
  return {
    isIn: (bearer) => has(bearer, 'session_token'),
    async tokenOf({ cookie, secure }) {
      if (cookie === null) return undefined
      const name = `${cookiePrefix(secure)}.session_token`
      const token = (await parseSigned(cookie, secret, name))[name]
      return token === false ? undefined : token
    },
    isForThisVisit: (bearer) => has(bearer, 'dont_remember'),
  }
}
