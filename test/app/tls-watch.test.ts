import { renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createTlsWatch } from '../../app/tls-watch.ts'
import { certificatePair, copyCertificate } from '../setup/certificates.ts'
import { makeTempFolder } from '../setup/temp-folder.ts'
import { waitUntil } from '../setup/wait.ts'

const one = certificatePair('one')
const two = certificatePair('two')

/** Watches a folder that begins with the pair `one`. */
function watch(everyMs = 5) {
  const folder = makeTempFolder('tls-watch')
  const files = copyCertificate('one', folder.path)
  const used: string[] = []
  const logged: string[] = []
  const logger = pino({ level: 'info' }, { write: (line: string) => void logged.push(JSON.parse(line).msg) })
  let failure: Error | undefined
  const tls = createTlsWatch(
    files,
    { everyMs, inUse: one },
    {
      async use({ cert }) {
        if (failure) throw failure
        used.push(cert)
      },
      logger,
    },
  )
  tls.start()
  return {
    folder,
    files,
    used,
    logged,
    tls,
    failWith: (error: Error | undefined) => {
      failure = error
    },
    async [Symbol.asyncDispose]() {
      await tls.stop()
      folder.remove()
    },
  }
}

test('a new pair is put into use, once, and the one that is in use is not', async () => {
  await using at = watch()
  await at.tls.reload()
  expect(at.used).toEqual([])
  copyCertificate('two', at.folder.path)
  await waitUntil('the new pair', () => at.used.length > 0)
  await at.tls.reload()
  expect(at.used).toEqual([two.cert])
  expect(at.logged.at(-1)).toBe('tls certificate changed')
})

test('half of a pair changes nothing and is told once; the other half makes it whole', async () => {
  await using at = watch()
  writeFileSync(at.files.certFile, two.cert)
  await waitUntil('the complaint', () => at.logged.length > 0)
  await at.tls.reload()
  writeFileSync(at.files.keyFile, two.key.slice(0, 40))
  await waitUntil('another complaint', () => at.logged.length > 2)
  expect(at.used).toEqual([])
  writeFileSync(at.files.keyFile, two.key)
  await waitUntil('the new pair', () => at.used.length > 0)
  expect(at.used).toEqual([two.cert])
  expect(new Set(at.logged.slice(0, -1))).toEqual(new Set(['tls files not usable, the old certificate stays']))
})

test('files that go away change nothing until they are there again', async () => {
  await using at = watch()
  rmSync(at.files.keyFile)
  await waitUntil('the complaint', () => at.logged.length > 0)
  copyCertificate('two', at.folder.path)
  await waitUntil('the new pair', () => at.used.length > 0)
})

test('a link that leads elsewhere is a change', async () => {
  await using at = watch()
  for (const [name, pair] of Object.entries({ one, two })) {
    writeFileSync(join(at.folder.path, `${name}-cert`), pair.cert)
    writeFileSync(join(at.folder.path, `${name}-key`), pair.key)
  }
  const link = (file: string, to: string) => {
    symlinkSync(join(at.folder.path, to), `${file}.new`)
    renameSync(`${file}.new`, file)
  }
  link(at.files.certFile, 'one-cert')
  link(at.files.keyFile, 'one-key')
  await at.tls.reload()
  expect(at.used).toEqual([])
  link(at.files.certFile, 'two-cert')
  link(at.files.keyFile, 'two-key')
  await waitUntil('the new pair', () => at.used.length > 0)
})

test('a pair that could not be put into use is tried again', async () => {
  await using at = watch()
  at.failWith(new Error('not now'))
  copyCertificate('two', at.folder.path)
  await waitUntil('the complaint', () => at.logged.length > 0)
  at.failWith(undefined)
  await waitUntil('the new pair', () => at.used.length > 0)
  expect(at.logged).toEqual(['tls certificate not changed, the old one stays', 'tls certificate changed'])
})

test('a reload does not wait for the next look', async () => {
  await using at = watch(3_600_000)
  copyCertificate('two', at.folder.path)
  await at.tls.reload()
  expect(at.used).toEqual([two.cert])
})
