import { isMailAddress } from '../model/index.ts'

/** Any of them in a name could begin a header of its own, or end the text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const controls = /[\u0000-\u001f\u007f\u0085\u2028\u2029]/

/** Where mails come from: an address, and the name people see beside it. */
export interface Mailbox {
  readonly name: string
  readonly address: string
}

/** `ops@example.com` or `Site office <ops@example.com>`; undefined where it is neither. */
export function parseMailbox(text: string): Mailbox | undefined {
  const named = /^([^<>]*)<([^<>]*)>$/.exec(text.trim())
  const name = (named?.[1] ?? '').trim().replace(/^"(.*)"$/, '$1')
  const address = (named?.[2] ?? text).trim()
  if (controls.test(text) || name.length > 100 || !isMailAddress(address)) return undefined
  return { name, address }
}

/** Text for a header or a line of its own: control characters become one space, so that it stays the one line it is. */
export function oneLine(text: string, maxLength = 200): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
  const line = text.replace(/[\u0000-\u001f\u007f\u0085\u2028\u2029]+/g, ' ').trim()
  return line.length <= maxLength ? line : `${line.slice(0, maxLength - 1).trimEnd()}…`
}

export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1)
}
