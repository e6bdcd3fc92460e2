/** Parts of a mail address (RFC 5321 4.5.3.1: local part 64, whole path 254 octets); ASCII, nothing quoted. */
const localPart = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/
const domainPart = /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/

/** Whether it can stand where one address is asked for: nothing in it begins a header, a second address or a comment. */
export function isMailAddress(text: string): boolean {
  if (text.length > 254) return false
  const at = text.lastIndexOf('@')
  const local = text.slice(0, at)
  return at > 0 && local.length <= 64 && localPart.test(local) && domainPart.test(text.slice(at + 1))
}
