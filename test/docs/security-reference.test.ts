import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { settings } from '../../app/settings.ts'
import { systemClock } from '../../model/index.ts'
import { openMigrator } from '../../store/state/index.ts'
import { makeTempFolder } from '../setup/temp-folder.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs/security-reference.md'), 'utf8')

function section(title: string): string {
  const from = page.indexOf(`\n## ${title}\n`)
  if (from < 0) throw new Error(`no section ${title}`)
  const to = page.indexOf('\n## ', from + 1)
  return page.slice(from, to < 0 ? undefined : to)
}

const quoted = (text: string): string[] => [...text.matchAll(/`([^`\n]+)`/g)].map(([, one = '']) => one)

const rooms = ['alerts', 'api', 'app', 'broker', 'ingest', 'model', 'notifier', 'rules', 'store']
const sources = rooms.flatMap((room) =>
  readdirSync(join(root, room), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => {
      const path = join(entry.parentPath, entry.name)
      return { file: relative(root, path), text: readFileSync(path, 'utf8') }
    }),
)

describe('the inventory', () => {
  test('has every table of the state, in one class each', async () => {
    using folder = makeTempFolder('tables')
    const file = join(folder.path, 'state.sqlite')
    const migrator = openMigrator({ file, busyTimeoutMs: 1_000 }, systemClock)
    await migrator.up()
    await migrator.close()
    const { DatabaseSync } = await import('node:sqlite')
    const database = new DatabaseSync(file, { readOnly: true })
    const rows = database.prepare("select name from sqlite_master where type = 'table' order by name").all()
    database.close()
    const [classes = ''] = section('Data').split('`state.sqlite` holds')
    const tables = [...classes.matchAll(/tables? ((?:`\w+`(?:, )?)+)/g)].flatMap(([, names = '']) => quoted(names))
    expect(tables.toSorted()).toEqual(rows.map(({ name }) => name))
  })

  test('has every file that uses cryptography', () => {
    const users = sources.filter(({ text }) => /node:crypto'|\bcrypto\.(randomUUID|subtle|getRandom)/.test(text))
    const listed = new Set(quoted(section('Keys and algorithms')))
    expect(users.map(({ file }) => file).filter((file) => !listed.has(file))).toEqual([])
    const known = new Set(sources.map(({ file }) => file))
    expect([...listed].filter((name) => /^\w+\/.*\.ts$/.test(name) && !known.has(name))).toEqual([])
  })

  test('has every listener and every peer that can be set', () => {
    const ports = settings.map(({ name }) => name).filter((name) => /_PORT$|_URL$|^HOST$|_HOST$|ISSUER$/.test(name))
    const listed = quoted(section('Connections'))
    expect(ports.filter((name) => !listed.includes(name))).toEqual([])
  })

  test('names no log line, list or metric that is not there', () => {
    const [, events = ''] = section('Logs').split('Security events')
    const lines = events
      .split('\n')
      .flatMap((row) => quoted(row.split(' | ')[1] ?? ''))
      .filter((line) => !line.startsWith('…'))
    expect(lines.length).toBeGreaterThan(12)
    const code = sources.map(({ text }) => text).join('\n')
    const isThere = (line: string) =>
      line.includes('.') ? line.split('.').every((part) => code.includes(`'${part}'`)) : code.includes(line)
    expect(lines.filter((line) => !isThere(line))).toEqual([])
  })
})
