import { parseArgs } from 'node:util'
import { runKill9 } from './kill9.ts'

/** `npm run -s chaos -- kill9 [--runs N] [--seed S] [--json]`: progress on stderr, the count as the last line. */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '5' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
})
const runs = Number(values.runs)
const seed = Number(values.seed)
if (positionals.join(' ') !== 'kill9' || !Number.isInteger(runs) || runs < 1 || !Number.isInteger(seed)) {
  process.stderr.write('chaos: which one? kill9 [--runs N] [--seed S] [--json]\n')
  process.exit(2)
}
try {
  const { problems, steps, ...counts } = await runKill9({
    runs,
    seed,
    say: (line) => process.stderr.write(`${line}\n`),
  })
  for (const problem of problems) process.stderr.write(`${problem}\n`)
  process.stderr.write(`${steps} steps of alerts follow from what was acknowledged\n`)
  const { acked, lost, doubled, alertsLost, alertsDoubled, mailsLost, mailsDoubled, mailsRepeatedSameId } = counts
  const words =
    `${runs} kills: ${acked} readings acknowledged, ${lost} lost, ${doubled} doubled; ` +
    `steps of alerts: ${alertsLost} lost, ${alertsDoubled} doubled; ` +
    `mails: ${mailsLost} lost, ${mailsDoubled} doubled, ${mailsRepeatedSameId} sent again under the same Message-ID`
  process.stdout.write(`${values.json ? JSON.stringify(counts) : words}\n`)
  process.exitCode = problems.length === 0 ? 0 : 1
} catch (error) {
  const { message, stack, cause } = error instanceof Error ? error : new Error(String(error))
  process.stderr.write(`chaos: ${stack ?? message}\n${cause instanceof Error ? (cause.stack ?? cause.message) : ''}\n`)
  process.exitCode = 1
}
