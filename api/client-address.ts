import { parseAddress } from '../model/index.ts'
import { createTrust } from './ip-address.ts'

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
  const isTrusted = createTrust(trustedProxies)

  return ({ address: peerAddress, secure }, headerOf) => {
    let address = peerAddress === undefined ? undefined : parseAddress(peerAddress)
    if (address === undefined) return { address: null, secure }
    if (!isTrusted(address)) return { address, secure }
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
