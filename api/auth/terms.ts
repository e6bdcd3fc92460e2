/** What the account library and we have to agree on; apart from it, so that nobody loads it for a number. */

/** In UTF-16 units. ASVS 2.1.1 and 2.1.2. */
export const passwordLengths = { min: 12, max: 128 } as const

/** A session that is used lives on; it is written so often at most while it would live without. */
export const renewalsPerLife = 7

/** How the library learns the caller's address: from a header that only we write. */
export const addressHeader = 'x-pelbiot-caller'

/** What the library gives a session that is to end with the browser. */
const visitMs = 86_400_000

/** Said by the session itself: its cookies are its bearer's to choose. */
export function isForOneVisit({
  createdMs,
  expiresMs,
}: {
  readonly createdMs: number
  readonly expiresMs: number
}): boolean {
  return expiresMs - createdMs <= visitMs
}
