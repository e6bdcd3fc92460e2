import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')

/** Room → rooms it may import. Changing a line here is a decision: a commit of its own, with the reason. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  model: [],
  store: ['model'],
  metering: ['model'],
  broker: ['model', 'store', 'metering'],
  ingest: ['model', 'store', 'metering'],
  rules: ['model', 'store', 'metering'],
  alerts: ['model', 'store', 'metering'],
  notifier: ['model', 'store', 'metering'],
  reports: ['model', 'store', 'metering'],
  edge: ['model', 'store', 'metering'],
  api: ['model', 'store', 'metering'],
  'firmware-sim': ['model'],
  app: ['model', 'store', 'metering', 'broker', 'ingest', 'rules', 'alerts', 'notifier', 'reports', 'edge', 'api'],
}
/** The API may import the *types* behind its siblings' doors. */
const mayImportTypes: Readonly<Record<string, readonly string[]>> = {
  api: ['broker', 'ingest', 'rules', 'alerts', 'notifier', 'reports', 'edge'],
}
/** Libraries that one room alone knows. */
const soleImporter: Readonly<Record<string, string>> = {
  aedes: 'broker',
  hono: 'api',
  '@hono/node-server': 'api',
  '@hono/zod-openapi': 'api',
  '@influxdata/influxdb-client': 'store',
  '@duckdb/node-api': 'store',
  '@duckdb/node-bindings': 'store',
  kysely: 'store',
  ioredis: 'store',
  'rate-limiter-flexible': 'store',
  lmdb: 'store',
  'lru-cache': 'store',
  'better-auth': 'api',
  '@better-auth/kysely-adapter': 'api',
}
/** Files that are only loaded when they are needed, by `import()`: what they bring along costs a start and an idle platform. */
const loadedLate: readonly string[] = [join('api', 'auth', 'better-auth.ts')]
const librariesLoadedLate: readonly string[] = ['better-auth', '@better-auth/kysely-adapter']
/** Each folder below `store/` is a room with a door of its own. */
const storeRooms = ['log', 'readings', 'sessions', 'state', 'cache', 'redis', 'limits']

interface Import {
  readonly file: string
  readonly specifier: string
  readonly typeOnly: boolean
  readonly dynamic: boolean
}

function sourceFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(root, file), 'utf8')
  const found: Import[] = []
  for (const match of text.matchAll(/^(import|export)\s+(type\s+)?(?:[\w*{}\s,$]+?\s+from\s+)?'([^']+)'/gm)) {
    found.push({ file, specifier: match[3] ?? '', typeOnly: match[2] !== undefined, dynamic: false })
  }
  for (const match of text.matchAll(/\bimport\(\s*'([^']+)'\s*\)/g)) {
    found.push({ file, specifier: match[1] ?? '', typeOnly: false, dynamic: true })
  }
  return found
}

/** `store/log/segments/reader.ts` → `store/log`: the folder whose door the others use. */
function doorFolder(file: string): string {
  const [room = '', inner = ''] = file.split(sep)
  return room === 'store' && storeRooms.includes(inner) ? `store/${inner}` : room
}

const rooms = Object.keys(mayImport).filter((room) => readdirSync(root).includes(room))
const imports = rooms.flatMap(sourceFiles).flatMap(importsOf)
const own = imports
  .filter((entry) => entry.specifier.startsWith('.') && !entry.specifier.endsWith('/package.json'))
  .map((entry) => ({ ...entry, target: relative(root, resolve(root, dirname(entry.file), entry.specifier)) }))

const describeImport = (entry: { file: string; specifier: string }) => `${entry.file} imports ${entry.specifier}`

describe('the house', () => {
  test('has its rooms and reads their imports', () => {
    expect(rooms).toContain('model')
    expect(own.length).toBeGreaterThan(10)
  })

  test('imports go in the directions of the table', () => {
    const wrong = own.filter(({ file, target, typeOnly }) => {
      const [from = ''] = file.split(sep)
      const [to = ''] = target.split(sep)
      if (from === to || mayImport[from]?.includes(to)) return false
      return !(typeOnly && mayImportTypes[from]?.includes(to))
    })
    expect(wrong.map(describeImport)).toEqual([])
  })

  test('a folder is entered by its door; the app may read settings beside it, which loads nothing else', () => {
    const wrong = own.filter(({ file, target }) => {
      const door = doorFolder(target)
      if (doorFolder(file) === door || target === join(door, 'index.ts')) return false
      return !(file.startsWith(`app${sep}`) && target.endsWith(`${sep}config.ts`))
    })
    expect(wrong.map(describeImport)).toEqual([])
  })

  test('a door has named exports only, and no logic', () => {
    const doors = rooms.flatMap(sourceFiles).filter((file) => file === join(doorFolder(file), 'index.ts'))
    const wrong = doors.filter((file) => {
      const text = readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
      return text.replace(/export (type )?\{[^}]*\} from '[^']+'/g, '').trim() !== ''
    })
    expect(wrong).toEqual([])
  })

  test('a library that one room owns is imported by no other', () => {
    const wrong = imports.filter(({ file, specifier, typeOnly }) => {
      const name = specifier.startsWith('@') ? specifier.split('/').slice(0, 2).join('/') : specifier.split('/')[0]
      const owner = soleImporter[name ?? '']
      return owner !== undefined && file.split(sep)[0] !== owner && !typeOnly
    })
    expect(wrong.map(describeImport)).toEqual([])
  })

  test('what is heavy and seldom needed is loaded late', () => {
    const wrong = imports.filter(({ file, specifier, typeOnly, dynamic }) => {
      const target = relative(root, resolve(root, dirname(file), specifier))
      const isLate =
        loadedLate.includes(target) || librariesLoadedLate.some((name) => `${specifier}/`.startsWith(`${name}/`))
      return isLate && !typeOnly && !dynamic && !loadedLate.includes(file)
    })
    expect(wrong.map(describeImport)).toEqual([])
  })

  test('only the app and the clock ask the system for time, chance or settings', () => {
    const pure = rooms.filter((room) => room !== 'app' && room !== 'firmware-sim').flatMap(sourceFiles)
    const wrong = pure.filter((file) => {
      if (file === join('model', 'clock.ts')) return false
      const text = readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
      return /\bDate\.now\(|\bMath\.random\(|\bprocess\.env\b/.test(text)
    })
    expect(wrong).toEqual([])
  })
})
