import { BlockList, isIP, SocketAddress } from 'node:net'

/** Headers in which a proxy says whom it speaks for; the one that is set is believed, and no other. */
export const forwardedHeaders = ['x-forwarded-for', 'forwarded'] as const
export type ForwardedHeader = (typeof forwardedHeaders)[number]

export interface Client {
  /** An IP address in its shortest form; null where there is no socket. */
  readonly address: string | null
  /** Whether it speaks TLS, to us or to the proxy in front. */
  readonly secure: boolean
}

/** A request as its socket knows it. */
export interface Peer {
  readonly address: string | undefined
  readonly secure: boolean
}

/**
 * Who is behind a request. A peer that is no trusted proxy is the client itself, whatever it claims. Else the header is
 * read from its end, where the nearest proxy wrote, back to the first address that is none of the trusted; what a
 * stranger put before that is never looked at. Where the header ends, or is not readable, the last trusted one is the client.
 */
export function createClientOf(
  trustedProxies: readonly string[],
  header: ForwardedHeader,
): (peer: Peer, headerOf: (name: string) => string | undefined) => Client {
  const trusted = blockListOf(trustedProxies)
  const isTrusted = (address: string) => trusted.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')

  return ({ address: peerAddress, secure }, headerOf) => {
    let address = peerAddress === undefined ? undefined : parseAddress(peerAddress)
    if (address === undefined) return { address: null, secure }
    if (trustedProxies.length === 0 || !isTrusted(address)) return { address, secure }
    const claims = readClaims(header, headerOf)
    let proto: string | undefined
    for (let claim = claims.pop(); claim !== undefined; claim = claims.pop()) {
      const claimed = parseAddress(claim.node)
      // `unknown`, a made-up name or nonsense: who stands behind cannot be known.
      if (claimed === undefined) break
      address = claimed
      proto = claim.proto?.toLowerCase()
      if (!isTrusted(address)) break
    }
    return { address, secure: proto === undefined ? secure : proto === 'https' }
  }
}

/** Whether it is an address or a range as `HTTP_TRUSTED_PROXIES` takes it. */
export function isAddressRange(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/')
  const bits = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0
  if (bits === 0 || rest.length > 0 || address.includes('%')) return false
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits)
}

function blockListOf(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    list.addSubnet(address, Number(prefix ?? (family === 'ipv6' ? 128 : 32)), family)
  }
  return list
}

interface Claim {
  readonly node: string
  readonly proto: string | undefined
}

/** The nearest last. */
function readClaims(header: ForwardedHeader, headerOf: (name: string) => string | undefined): Claim[] {
  const text = headerOf(header)
  if (text === undefined) return []
  return header === 'forwarded' ? parseForwarded(text) : parseForwardedFor(text, headerOf('x-forwarded-proto'))
}

function parseForwardedFor(text: string, protos: string | undefined): Claim[] {
  // One proxy or all of them name the scheme; the first is what the client speaks.
  const proto = protos?.split(',', 1)[0]?.trim()
  return text.split(',').map((node) => ({ node: node.trim(), proto }))
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const pair = new RegExp(`\\s*(?:(${token})=(${token}|"(?:[^"\\\\]|\\\\.)*")\\s*)?([;,]|$)`, 'y')

/** RFC 7239, section 4; empty when it is not well-formed to its last character. */
function parseForwarded(text: string): Claim[] {
  const claims: Claim[] = []
  let current: Record<string, string> = {}
  pair.lastIndex = 0
  while (pair.lastIndex < text.length) {
    const match = pair.exec(text)
    if (match === null) return []
    const [, name, value = '', end] = match
    if (name !== undefined)
      current[name.toLowerCase()] = value.startsWith('"') ? value.slice(1, -1).replaceAll(/\\(.)/g, '$1') : value
    if (end === ';') continue
    claims.push({ node: current['for'] ?? '', proto: current['proto'] })
    current = {}
  }
  return claims
}

/** An address without port, brackets and zone, IPv4 where it is one in the clothes of IPv6; undefined when it is none. */
function parseAddress(text: string): string | undefined {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1]
  const bare = bracketed ?? (/^[\d.]+:\d+$/.test(text) ? text.slice(0, text.indexOf(':')) : text)
  const address = bare.split('%', 1)[0] ?? ''
  const family = isIP(address)
  if (family !== 6) return family === 4 ? address : undefined
  const short = new SocketAddress({ address, family: 'ipv6' }).address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(short)?.[1]
  return mapped ?? short
}
