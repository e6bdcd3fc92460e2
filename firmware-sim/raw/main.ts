import { text } from 'node:stream/consumers'
import { rawConfigSchema } from './config.ts'
import { runRawGenerator } from './generator.ts'

/**
 * A process of its own, so that it has a core of its own: configuration as JSON in, a summary as JSON out. SIGINT ends the
 * sending early.
 */
const enough = new AbortController()
process.on('SIGINT', () => enough.abort())
const config = rawConfigSchema.parse(JSON.parse(await text(process.stdin)))
const summary = await runRawGenerator(config, (line) => process.stderr.write(`${line}\n`), enough.signal)
process.stdout.write(`${JSON.stringify(summary)}\n`)
