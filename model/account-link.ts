const hourMs = 3_600_000

/** How long a link is good. */
export const linkLifeMs = { setup: 24 * hourMs, invitation: 7 * 24 * hourMs, 'password-reset': hourMs } as const

/** The address of the page behind a link. The token stands where no server, proxy or referrer sees it. */
export function linkUrl(baseUrl: string, token: string): string {
  return `${baseUrl.replace(/\/+$/, '')}/sign-in#token=${token}`
}
