import { parseArgs } from 'node:util'
import { runKillBetween } from './kill-between.ts'
import { type Kill9Result, runKill9 } from './kill9.ts'
import { runStoreChaos } from './store/store.ts'

/**
 * `npm run -s chaos -- kill9 [--runs N] [--seed S] [--json]`, or `kill-between [--runs N] [--json]`: progress on stderr, the
 * count as the last line. `store [--outage SECONDS] [--rate MESSAGES_PER_S] [--json]` kills no platform but its InfluxDB.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '5' },
    seed: { type: 'string' },
    outage: { type: 'string', default: '60' },
    rate: { type: 'string', default: '4000' },
    json: { type: 'boolean', default: false },
  },
})
const runs = Number(values.runs)
const seed = Number(values.seed ?? 1)
const say = (line: string) => process.stderr.write(`${line}\n`)
const name = positionals.join(' ')
const cases: ReadonlyMap<string, () => Promise<Kill9Result>> = new Map([
  ['kill9', () => runKill9({ runs, seed, say })],
  // Nothing of it is left to chance.
  ...(values.seed === undefined ? [['kill-between', () => runKillBetween({ runs, say })] as const] : []),
])
const run = cases.get(name)
const isStore = name === 'store' && Number(values.outage) > 0 && Number(values.rate) > 0
if (!isStore && (run === undefined || !Number.isInteger(runs) || runs < 1 || !Number.isInteger(seed))) {
  say('chaos: which one? kill9 [--runs N] [--seed S] [--json], kill-between [--runs N] [--json], store [--json]')
  process.exit(2)
}

async function tellStore(): Promise<boolean> {
  const counts = await runStoreChaos({ outageS: Number(values.outage), messagesPerS: Number(values.rate), say })
  const { acked, lost, doubled, rejected } = counts
  const words = `${acked} readings acknowledged, ${lost} lost, ${doubled} doubled, ${rejected} rejected`
  process.stdout.write(`${values.json ? JSON.stringify(counts) : words}\n`)
  return lost === 0 && doubled === 0
}

async function tellKills(kill: () => Promise<Kill9Result>): Promise<boolean> {
  const { problems, steps, ...counts } = await kill()
  for (const problem of problems) say(problem)
  say(`${steps} steps of alerts follow from what was acknowledged`)
  const { acked, lost, doubled, alertsLost, alertsDoubled, mailsLost, mailsDoubled, mailsRepeatedSameId } = counts
  const words =
    `${runs} kills: ${acked} readings acknowledged, ${lost} lost, ${doubled} doubled; ` +
    `steps of alerts: ${alertsLost} lost, ${alertsDoubled} doubled; ` +
    `mails: ${mailsLost} lost, ${mailsDoubled} doubled, ${mailsRepeatedSameId} sent again under the same Message-ID`
  process.stdout.write(`${values.json ? JSON.stringify(counts) : words}\n`)
  return problems.length === 0
}

try {
  const isWell = run === undefined ? await tellStore() : await tellKills(run)
  process.exitCode = isWell ? 0 : 1
} catch (error) {
  const { message, stack, cause } = error instanceof Error ? error : new Error(String(error))
  process.stderr.write(`chaos: ${stack ?? message}\n${cause instanceof Error ? (cause.stack ?? cause.message) : ''}\n`)
  process.exitCode = 1
}
