import { isIP, SocketAddress } from 'node:net'

/** An address without port, brackets and zone, IPv4 where it is one in the clothes of IPv6; undefined when it is none. */
export function parseAddress(text: string): string | undefined {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1]
  const bare = bracketed ?? (/^[\d.]+:\d+$/.test(text) ? text.slice(0, text.indexOf(':')) : text)
  const address = bare.split('%', 1)[0] ?? ''
  const family = isIP(address)
  if (family !== 6) return family === 4 ? address : undefined
  const short = new SocketAddress({ address, family: 'ipv6' }).address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(short)?.[1]
  return mapped ?? short
}

/** What one customer of a provider has: an address of IPv4, or the /64 around one of IPv6. */
export function networkOf(address: string): string {
  if (isIP(address) !== 6) return address
  const [left = [], right = []] = address.split('::').map((half) => half.split(':').filter((group) => group !== ''))
  const zeros = Array.from({ length: Math.max(8 - left.length - right.length, 0) }, () => '0')
  return `${[...left, ...zeros, ...right].slice(0, 4).join(':')}::/64`
}
