import type { Caller } from './accounts.ts'
import { addressHeader } from './terms.ts'

/** All that the account library learns of a request. */
export function headersOf({ cookie, address, userAgent }: Caller): Headers {
  const headers = new Headers()
  if (cookie !== null) headers.set('cookie', cookie)
  if (userAgent !== null) headers.set('user-agent', userAgent)
  if (address !== null) headers.set(addressHeader, address)
  return headers
}
