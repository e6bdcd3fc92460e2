import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const rooms = ['alerts', 'api', 'app', 'broker', 'firmware-sim', 'ingest', 'model', 'notifier', 'rules', 'store']

/** All that ships: the server's code, and that of its pages. */
const sources = rooms.flatMap((room) =>
  readdirSync(join(root, room), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|js|html)$/.test(entry.name))
    .map((entry) => {
      const path = join(entry.parentPath, entry.name)
      return { file: relative(root, path), text: readFileSync(path, 'utf8') }
    }),
)

interface Danger {
  readonly what: string
  readonly pattern: RegExp
  /** Where it is all the same, each with the reason why that is safe. */
  readonly known?: Readonly<Record<string, string>>
}

const dangers: readonly Danger[] = [
  {
    what: 'runs text as code',
    pattern: /\beval\(|new Function\(|node:vm|javascript:/,
    known: { 'store/limits/limiter-client.ts': "the counters' own script, in Redis; what is counted is its argument" },
  },
  { what: 'makes objects of any kind from bytes', pattern: /node:v8|\bdeserialize\(/ },
  { what: 'can be looked into by a debugger', pattern: /node:inspector|\bdebugger\b/ },
  { what: 'speaks to a shell', pattern: /\bshell: |\bexec(?:Sync|File|FileSync)\(/ },
  {
    what: 'starts programs',
    pattern: /node:child_process/,
    known: {
      'app/cli.ts': 'the simulator, by its own path, with a list of arguments',
      'app/demo/simulator.ts': 'the same',
    },
  },
  {
    what: 'makes a pattern of a text',
    pattern: /new RegExp\(/,
    known: {
      'api/client-address.ts': 'of constants',
      'api/method-table.ts': 'of the paths of our own routes, escaped',
      'api/live-page/mail.js': 'of the names of two headers',
      'broker/admit.ts': 'of constants',
      'store/state/repositories/account-links.ts': 'of constants',
    },
  },
  { what: 'makes markup of a text', pattern: /(?:inner|outer)HTML|insertAdjacentHTML|document\.write/ },
  {
    what: 'shows a document that somebody else made',
    pattern: /srcdoc/,
    known: { 'api/live-page/page.js': 'a mail, in a frame that runs no scripts' },
  },
  { what: 'listens to other windows', pattern: /addEventListener\('message'|onmessage\s*=/ },
  {
    what: 'keeps something in the browser',
    pattern: /localStorage|sessionStorage|indexedDB|document\.cookie|caches\.open/,
    known: {
      'api/live-page/http.js': "the key that its user typed, until the tab is closed or 'forget' is asked for",
      'api/docs-page/page.js': 'the same key',
      'api/sign-in-page/page.js': 'the same key',
    },
  },
  {
    what: 'trusts any certificate',
    pattern: /rejectUnauthorized|TLS_REJECT_UNAUTHORIZED|checkServerIdentity/,
    known: {
      'app/cli/ask.ts': "the certificate in the running platform's own file, whatever name it has, and no other",
      'broker/listeners.ts': 'a device need not show one; what is shown and not trusted ends the connection there',
    },
  },
  { what: 'uses a broken algorithm', pattern: /['"](?:md5|sha1|rc4|des-[a-z0-9-]+|aes-\d+-ecb|RSA-MD5|RSA-SHA1)['"]/i },
]

test.each(dangers)('nothing that ships $what, but where it is known and safe', ({ pattern, known = {} }) => {
  const found = sources.filter(({ text }) => pattern.test(text)).map(({ file }) => file)
  expect(found.toSorted()).toEqual(Object.keys(known).toSorted())
})
