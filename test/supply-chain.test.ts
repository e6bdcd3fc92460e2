import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'

const root = fileURLToPath(new URL('..', import.meta.url))
const versions = z.record(z.string(), z.string()).default({})
const manifest = z
  .object({ dependencies: versions, devDependencies: versions, optionalDependencies: versions, overrides: versions })
  .parse(JSON.parse(readFileSync(`${root}/package.json`, 'utf8')))
const lock = z
  .object({
    packages: z.record(
      z.string(),
      z.looseObject({
        version: z.string(),
        resolved: z.string().optional(),
        integrity: z.string().optional(),
        link: z.boolean().optional(),
        dev: z.boolean().optional(),
        devOptional: z.boolean().optional(),
        peer: z.boolean().optional(),
        hasInstallScript: z.boolean().optional(),
        license: z.string().optional(),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync(`${root}/package-lock.json`, 'utf8')))
const installed = Object.entries(lock.packages).filter(([path]) => path !== '')
/** Not for developers, and not what a dependency could work beside if it were there. */
const shipped = installed.filter(([, { dev, devOptional, peer }]) => ![dev, devOptional, peer].includes(true))
const nameOf = (path: string) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)

/** They compile only where no prebuilt binary fits, and do nothing where one does. */
const mayRunAtInstall = ['lmdb', 'msgpackr-extract']
/** MPL-2.0 asks for its own files, unchanged, and for nothing of ours. */
const licences = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'MIT-0', 'MPL-2.0', 'MPL 2.0']

describe('what is installed', () => {
  test('is asked for in exact versions', () => {
    const { dependencies, devDependencies, optionalDependencies, overrides } = manifest
    const asked = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies, ...overrides })
    expect(asked.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([])
  })

  test('is what it was when it was chosen: a registry package with its hash, from no other place', () => {
    expect(installed.length).toBeGreaterThan(100)
    for (const [path, { integrity, resolved, link }] of installed)
      expect([path, integrity, resolved, link]).toEqual([path, expect.stringMatching(/^sha512-/), undefined, undefined])
  })

  test('runs no program of its own, but those that are known to', () => {
    const scripted = installed.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => nameOf(path))
    expect([...new Set(scripted)].toSorted()).toEqual(mayRunAtInstall)
  })

  test('may be passed on with the platform', () => {
    expect(shipped.filter(([, { license }]) => !licences.includes(license ?? ''))).toEqual([])
  })
})

test('the bill of materials names everything that is installed, with its hash', () => {
  const component = z.object({ name: z.string(), version: z.string(), hashes: z.array(z.object({ alg: z.string() })) })
  const bill = z
    .object({ bomFormat: z.literal('CycloneDX'), components: z.array(component) })
    .parse(JSON.parse(execFileSync('npm', ['run', '-s', 'sbom'], { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 })))
  // What is for other platforms is locked, but not here.
  const here = installed.filter(([path]) => existsSync(`${root}/${path}`))
  expect(here.length).toBeGreaterThan(100)
  const listed = new Set(bill.components.map(({ name, version }) => `${name}@${version}`))
  expect(here.map(([path, { version }]) => `${nameOf(path)}@${version}`).filter((one) => !listed.has(one))).toEqual([])
  expect(bill.components.filter(({ hashes }) => hashes.every(({ alg }) => alg !== 'SHA-512'))).toEqual([])
})
