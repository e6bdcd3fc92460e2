// Plain JavaScript: a start from the bundle loads no TypeScript at all.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

export const root = new URL('../../', import.meta.url)
/** Of the bundles, each in a folder named by its digest, and of the manifest of the newest. */
export const bundles = new URL('node_modules/.cache/pelbiot/', root)

/** What a bundle is made from, as it is now: SHA-256 over names and contents. Throws when a file is missing. */
export function digestOf(files) {
  const hash = createHash('sha256')
  for (const file of files) {
    const content = readFileSync(new URL(file, root))
    hash.update(`${file} ${content.length}\n`).update(content)
  }
  return hash.digest('hex')
}

/** The command line of the bundle, as a URL; undefined when none was made, or when a file has changed since. */
export function findBundle() {
  try {
    const { files, digest } = JSON.parse(readFileSync(new URL('manifest.json', bundles), 'utf8'))
    return digestOf(files) === digest ? new URL(`${digest}/cli.js`, bundles).href : undefined
  } catch {
    return undefined
  }
}
