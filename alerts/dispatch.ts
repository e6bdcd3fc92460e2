import type { Logger } from 'pino'
import { createWakeup } from '../model/index.ts'
import type { DispatchEvent, DispatchLedger, NotificationInput } from '../store/state/index.ts'
import type { DispatcherConfig } from './config.ts'
import { judge, type Stage } from './stages.ts'

/** After a failure of the state: wait, doubling from the first to the longest. */
const firstRetryMs = 100
const longestRetryMs = 5_000

export interface DispatcherDeps {
  readonly ledger: Pick<DispatchLedger, 'position' | 'events' | 'commit'>
  /** In the order in which they are asked. */
  readonly stages: readonly Stage[]
  readonly logger: Logger
  /** New notifications are queued, durably. */
  onQueued(): void
}

/**
 * The second hop of an alert: from its recorded steps to a decision for each recipient. Decisions and the event they
 * reach to are one transaction, so after a crash each is there once.
 */
export interface Dispatcher {
  start(): void
  /** Ends after the batch under way. */
  stop(): Promise<void>
  /** Steps were recorded: look now. */
  wake(): void
}

export function createDispatcher(config: DispatcherConfig, deps: DispatcherDeps): Dispatcher {
  const { ledger, stages, logger } = deps
  const stopping = new AbortController()
  const wakeup = createWakeup()
  let running: Promise<void> | undefined
  let failures = 0

  /** Resolves with whether there may be more at once. */
  async function dispatchBatch(): Promise<boolean> {
    const events = await ledger.events(await ledger.position(), config.batchEvents)
    const last = events.at(-1)
    if (last === undefined) return false
    const decisions = events.flatMap((event) => decide(event, config.recipients, stages))
    await ledger.commit(last.id, decisions)
    if (decisions.some((decision) => decision.suppressedBy === undefined)) deps.onQueued()
    return events.length === config.batchEvents
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        const more = await dispatchBatch()
        if (failures > 0) logger.info({ failures }, 'alerts are dispatched again')
        failures = 0
        if (!more) await wakeup.wait(config.pollMs, stopping.signal)
      } catch (error) {
        if (failures === 0) logger.error({ err: error }, 'alerts cannot be dispatched, trying again')
        failures++
        await wakeup.wait(Math.min(firstRetryMs * 2 ** Math.min(failures, 10), longestRetryMs), stopping.signal)
      }
    }
  }

  return {
    start() {
      running ??= run()
    },
    async stop() {
      stopping.abort()
      await running
    },
    wake: wakeup.wake,
  }
}

function decide(
  event: DispatchEvent,
  recipients: readonly string[],
  stages: readonly Stage[],
): readonly NotificationInput[] {
  return recipients.map((recipient) => {
    const verdict = judge(stages, { event, recipient })
    const suppressedBy = verdict.kind === 'suppress' ? verdict.reason : undefined
    return { eventId: event.id, channel: 'email', recipient, suppressedBy }
  })
}
