import { existsSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'rolldown'
import { bundles, digestOf, findBundle, root } from './find.js'

/** What is started by its path: the command line, and the threads. */
const entries = ['cli', 'ingest-thread', 'operations-thread']
/** Native code, and what starts threads of its own from files beside it. */
const leftOutside = [/^@duckdb\//, /^lmdb$/, /^pino$/]
/** Beside the modules, what decides what comes out. */
const alsoFrom = ['app/bundle/build.ts', 'package-lock.json']

const rootPath = fileURLToPath(root)
const place = (name: string) => fileURLToPath(new URL(name, bundles))

/**
 * Puts the platform's modules and those of its libraries into a few files, for a thousand small files take long to load, in
 * each thread (docs/decisions/0023-a-bundle-at-install.md). Resolves with the folder; there is nothing to do when one was
 * made of these very sources. Rejects when a source changes meanwhile.
 */
export async function buildBundle(): Promise<string> {
  const found = findBundle()
  if (found !== undefined) return fileURLToPath(new URL('.', found))
  const startedMs = Date.now()
  const { rolldown } = await import('rolldown')
  const build = await rolldown({
    cwd: rootPath,
    input: Object.fromEntries(entries.map((name) => [name, `app/${name}.ts`])),
    platform: 'node',
    external: leftOutside,
    plugins: [keepPlaces, leanHttp],
    // Entries are run and never imported.
    preserveEntrySignatures: false,
    logLevel: 'warn',
  })
  const folder = place(`new-${process.pid}`)
  try {
    await build.write({ dir: folder, format: 'esm', entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' })
    writeFileSync(`${folder}/package.json`, '{"type":"module"}')
    const modules = (await build.watchFiles).filter(isOurs).map((file) => relative(rootPath, file))
    const files = [...modules, ...alsoFrom].toSorted()
    const changed = files.filter((file) => statSync(new URL(file, root)).mtimeMs >= startedMs)
    if (changed.length > 0) throw new Error(`${changed.join(', ')} changed while it was made`)
    return publish(folder, files)
  } finally {
    await build.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The one before stays: a platform that runs from it loads some files only when they are needed. */
function publish(folder: string, files: readonly string[]): string {
  const digest = digestOf(files)
  const before = readdirSync(bundles).filter((name) => /^[0-9a-f]{64}$/.test(name) && name !== digest)
  if (!existsSync(place(digest))) renameSync(folder, place(digest))
  const manifest = place('manifest.json')
  writeFileSync(`${manifest}.${process.pid}`, JSON.stringify({ digest, files }))
  renameSync(`${manifest}.${process.pid}`, manifest)
  const madeMs = (name: string) => statSync(place(name)).mtimeMs
  const [, ...older] = before.toSorted((a, b) => madeMs(b) - madeMs(a))
  for (const name of older) rmSync(place(name), { recursive: true, force: true })
  return place(digest)
}

function isOurs(file: string): boolean {
  return file.startsWith(rootPath) && !file.includes('/node_modules/')
}

/** From a bundle's folder. */
const toRoot = '../../../../'

/** Files that a module names relative to itself stay where they are; the threads' entries are those of the bundle. */
const keepPlaces: Plugin = {
  name: 'keep-places',
  transform(code, id) {
    if (!isOurs(id)) return null
    const self = `new URL(${JSON.stringify(toRoot + relative(rootPath, id))}, import.meta.url).href`
    return code.replaceAll(/new URL\('\.\/([\w-]+)\.ts', import\.meta\.url\)|import\.meta\.url/g, (all, name) =>
      entries.includes(name) ? `new URL('./${name}.js', import.meta.url)` : all.replace('import.meta.url', self),
    )
  },
}

const leanHttpId = '\0lean-http'
/** Getters that load Node's whole HTTP client of browsers (undici): 100 ms and 5 MB in each thread. */
const loadUndici = ['WebSocket', 'CloseEvent', 'MessageEvent']

/** An `import` of `node:http` reads all of its exports; here it reads those that are nothing but there. */
const leanHttp: Plugin = {
  name: 'lean-http',
  resolveId(source, _importer, { kind }) {
    return /^(node:)?http$/.test(source) && kind !== 'require-call' ? leanHttpId : null
  },
  load(id) {
    if (id !== leanHttpId) return null
    const names = Object.keys(http).filter((name) => !loadUndici.includes(name))
    return [
      "const http = process.getBuiltinModule('node:http')",
      'export default http',
      ...names.map((name) => `export const ${name} = http.${name}`),
    ].join('\n')
  },
}
