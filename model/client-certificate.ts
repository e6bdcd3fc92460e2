/** What a device shows instead of a token: a certificate that its authority has signed, checked by TLS. */
export interface ClientCertificate {
  /** The device's id. */
  readonly commonName: string
  /** SHA-256 of the certificate, 64 hexadecimal digits in lower case. */
  readonly fingerprint: string
  readonly validToMs: number
}

const prefix = 'certificate:'

/** Names a certificate among the secrets of its device. */
export function certificateSecretId(fingerprint: string): string {
  return `${prefix}${fingerprint}`
}

/** The fingerprint in such a name; null: it names a token. */
export function certificateOf(secretId: string): string | null {
  return secretId.startsWith(prefix) ? secretId.slice(prefix.length) : null
}
