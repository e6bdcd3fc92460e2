import { fileURLToPath } from 'node:url'
import { type RawConfigInput, type RawSummary, rawPhases, rawSummarySchema } from '../firmware-sim/index.ts'
import { type Child, startChild } from '../test/setup/child.ts'

const entry = fileURLToPath(new URL('../firmware-sim/raw/main.ts', import.meta.url))
const connectTimeoutMs = 60_000

export interface RawRun {
  /** Resolves when all connections are open and the load begins. */
  readonly sending: Promise<unknown>
  /** Resolves when it has stopped sending; the last PUBACKs may still come. */
  readonly draining: Promise<unknown>
  readonly summary: Promise<RawSummary>
  /** It sends no more, waits for the PUBACKs still owed, and tells. */
  stopSending(): void
}

/** The raw generator as a process of its own. Rejects when any connection failed. */
export function startRawGenerator(config: RawConfigInput): RawRun {
  const child = startChild(process.execPath, [entry], { input: JSON.stringify(config) })
  const says = (line: string, timeoutMs: number) =>
    child.waitFor((said) => (said === line ? said : undefined), timeoutMs)
  const sending = says(rawPhases.sending, connectTimeoutMs)
  const draining = sending.then(() => says(rawPhases.draining, ((config.seconds ?? 20) + 30) * 1_000))
  // The summary says why it failed; whoever waits for that alone must not fall over these.
  sending.catch(() => {})
  draining.catch(() => {})
  return { sending, draining, summary: summaryOf(child), stopSending: () => void child.kill('SIGINT') }
}

async function summaryOf(child: Child): Promise<RawSummary> {
  const { code } = await child.exited
  if (code !== 0) throw new Error(`run raw generator failed: exit ${code}\n${child.output()}`)
  const summary = rawSummarySchema.parse(JSON.parse(child.stdout()))
  if (summary.failures.length > 0)
    throw new Error(`run raw generator failed: ${summary.failures.slice(0, 5).join('; ')}`)
  return summary
}
