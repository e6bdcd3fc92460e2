import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const fileOf = (name: 'one' | 'two', part: 'cert' | 'key') =>
  fileURLToPath(new URL(`../broker/certificates/${name}-${part}.pem`, import.meta.url))

/** A self-signed certificate for CN=one.test or two.test, and its key. */
export function certificatePair(name: 'one' | 'two'): { cert: string; key: string } {
  return { cert: readFileSync(fileOf(name, 'cert'), 'utf8'), key: readFileSync(fileOf(name, 'key'), 'utf8') }
}

/** The same as files of a folder, over what was there. */
export function copyCertificate(name: 'one' | 'two', folder: string): { certFile: string; keyFile: string } {
  const files = { certFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') }
  copyFileSync(fileOf(name, 'cert'), files.certFile)
  copyFileSync(fileOf(name, 'key'), files.keyFile)
  return files
}
