import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import type { TlsPair } from '../api/index.ts'
import type { FieldError } from '../model/index.ts'

export interface TlsFiles {
  readonly certFile: string
  readonly keyFile: string
}

/** What two files hold, or all that is wrong with them: missing, no PEM, or not made for each other. */
export type LoadedTls =
  | { readonly ok: true; readonly pair: TlsPair }
  | { readonly ok: false; readonly faults: readonly FieldError[] }

/** Undefined: the file holds certificates of authorities, and nothing else. */
export function clientCaFault(file: string): FieldError | undefined {
  const field = 'MQTT_CLIENT_CA_FILE'
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return { field, message: `cannot be read: ${file}` }
  }
  const certificates = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  try {
    if (certificates.length > 0 && certificates.every((pem) => new X509Certificate(pem).ca)) return undefined
  } catch {
    // No certificate: told below, like one that is of no authority.
  }
  return { field, message: `holds no certificates of authorities in PEM, or something else too: ${file}` }
}

export function loadTls({ certFile, keyFile }: TlsFiles): LoadedTls {
  const faults: FieldError[] = []
  const read = (field: string, file: string): string | undefined => {
    try {
      return readFileSync(file, 'utf8')
    } catch {
      faults.push({ field, message: `cannot be read: ${file}` })
      return undefined
    }
  }
  const check = (field: string, message: string, pem: { readonly cert?: string; readonly key?: string }): boolean => {
    try {
      createSecureContext(pem)
      return true
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      faults.push({ field, message: `${message} (${why})` })
      return false
    }
  }
  const cert = read('TLS_CERT_FILE', certFile)
  const key = read('TLS_KEY_FILE', keyFile)
  const goodCert = cert !== undefined && check('TLS_CERT_FILE', `is no certificate in PEM: ${certFile}`, { cert })
  const goodKey = key !== undefined && check('TLS_KEY_FILE', `is no private key in PEM: ${keyFile}`, { key })
  if (goodCert && goodKey && check('TLS_KEY_FILE', 'is not the key of TLS_CERT_FILE', { cert, key }))
    return { ok: true, pair: { cert, key } }
  return { ok: false, faults }
}
