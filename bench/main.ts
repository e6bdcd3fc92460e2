import type { Bench } from './bench.ts'
import { programBench } from './program.ts'

/** `npm run -s bench -- <name> [--json] [options of the benchmark]`: progress on stderr, figures on stdout. */
const benches: Readonly<Record<string, () => Promise<Bench>>> = {
  ingest: async () => (await import('./ingest.ts')).benchIngest,
  start: async () => (await import('./start.ts')).benchStart,
  connections: async () => (await import('./connections/connections.ts')).benchConnections,
  api: async () => (await import('./api/api.ts')).benchApi,
  live: async () => (await import('./live.ts')).benchLive,
  notify: async () => (await import('./notify.ts')).benchNotify,
  rules: async () => (await import('./rules.ts')).benchRules,
  store: async () => (await import('./store.ts')).benchStore,
  log: async () => programBench('log.ts', (printed) => JSON.parse(printed)),
  decode: async () =>
    programBench('decode.ts', (printed) => ({
      payloads: printed
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    })),
}

const [name = '', ...rest] = process.argv.slice(2)
const load = Object.hasOwn(benches, name) ? benches[name] : undefined
if (load === undefined) {
  process.stderr.write(`bench: which one? ${Object.keys(benches).join(', ')}\n`)
  process.exit(2)
}
try {
  const bench = await load()
  const args = rest.filter((arg) => arg !== '--json')
  const figures = await bench({ args, say: (line) => process.stderr.write(`${line}\n`) })
  if (rest.includes('--json')) process.stdout.write(`${JSON.stringify(figures)}\n`)
  else
    for (const [figure, value] of Object.entries(figures)) process.stdout.write(`${figure}: ${JSON.stringify(value)}\n`)
} catch (error) {
  process.stderr.write(`bench ${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  process.exitCode = 1
}
