/** What a browser says of the page behind a request. */
export interface PageHeaders {
  readonly origin: string | undefined
  readonly fetchSite: string | undefined
  readonly host: string | undefined
}

/**
 * `own`: a page of this platform, or of an origin that is listed. `foreign`: any other. `unsaid`: no page, or a browser that does
 * not tell; on a request that changes something every browser tells its Origin.
 */
export type PageOrigin = 'own' | 'foreign' | 'unsaid'

/** Against requests that a page elsewhere makes with the cookies of whoever looks at it (OWASP: Cross-Site Request Forgery). */
export function createPageOrigin(known: readonly string[]): (headers: PageHeaders) => PageOrigin {
  const origins = new Set(known)
  return ({ origin, fetchSite, host }) => {
    if (fetchSite === 'same-origin') return 'own'
    if (origin !== undefined) return origins.has(origin) || isOf(origin, host) ? 'own' : 'foreign'
    return fetchSite === undefined ? 'unsaid' : 'foreign'
  }
}

/** The scheme is left out: a proxy in front may speak TLS where we do not. */
function isOf(origin: string, host: string | undefined): boolean {
  const url = URL.parse(origin)
  return url !== null && host !== undefined && url.host === host.toLowerCase()
}
