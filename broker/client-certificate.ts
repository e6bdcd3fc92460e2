import type { TLSSocket } from 'node:tls'
import type { ClientCertificate } from '../model/index.ts'

/** What the client has shown: nothing, something that is not to be trusted (and why), or a certificate. */
export type ShownCertificate =
  | { readonly kind: 'none' }
  | { readonly kind: 'untrusted'; readonly why: string }
  | { readonly kind: 'certificate'; readonly certificate: ClientCertificate }

/** After a handshake in which a certificate was asked for, and not insisted on. */
export function shownCertificate(socket: TLSSocket): ShownCertificate {
  const shown = socket.getPeerCertificate()
  // Node answers an empty object for none.
  if (shown?.raw === undefined) return { kind: 'none' }
  if (!socket.authorized) return { kind: 'untrusted', why: String(socket.authorizationError) }
  const commonName: unknown = shown.subject?.CN
  if (typeof commonName !== 'string') return { kind: 'untrusted', why: 'it has not exactly one CN' }
  const fingerprint = shown.fingerprint256.replaceAll(':', '').toLowerCase()
  return { kind: 'certificate', certificate: { commonName, fingerprint, validToMs: Date.parse(shown.valid_to) } }
}
