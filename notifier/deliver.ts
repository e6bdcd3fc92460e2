import type { Logger } from 'pino'
import { type Clock, createWakeup } from '../model/index.ts'
import type { AttemptOutcome, NotificationRecord } from '../store/state/index.ts'
import { followUp } from './follow-up.ts'
import { createInsist } from './insist.ts'
import type { MailProvider, NotifierState, SendOutcome } from './ports.ts'
import { prepareMail, type Render } from './prepare.ts'
import { createProviderHealth } from './provider-health.ts'
import type { Random, RetryPolicy } from './retry.ts'

export interface DeliveryConfig extends RetryPolicy {
  /** Mails on their way at once, those that wait for the provider included. */
  readonly slots: number
  readonly pollMs: number
  readonly stopTimeoutMs: number
}

export interface DeliveryDeps {
  readonly state: NotifierState
  readonly provider: MailProvider
  readonly render: Render
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** It was handed over at that time, or given up, and that is recorded. */
  onDone(notification: NotificationRecord, outcome: 'sent' | 'failed', nowMs: number): void
}

/** Since the start. */
export interface DeliveryStats {
  readonly sent: number
  readonly failed: number
  /** Attempts after which the mail waits for another. */
  readonly retried: number
  readonly inFlight: number
  readonly providerDown: boolean
}

/**
 * The outbox worker: due → render once → keep → send → record. At least once, with one Message-ID: a mail repeats only
 * when a crash falls between the server's answer and our record of it.
 */
export interface Delivery {
  start(): void
  /** Waits `stopTimeoutMs` for mails on their way; what is not recorded by then stays queued. */
  stop(): Promise<void>
  wake(): void
  stats(): DeliveryStats
}

export function createDelivery(config: DeliveryConfig, deps: DeliveryDeps): Delivery {
  const { state, provider, render, clock, random, logger } = deps
  const stopping = new AbortController()
  const giveUp = new AbortController()
  const wakeup = createWakeup()
  const health = createProviderHealth(config, random)
  const insist = createInsist(logger, giveUp.signal)
  const inFlight = new Map<string, Promise<void>>()
  const counts = { sent: 0, failed: 0, retried: 0 }
  let running: Promise<void> | undefined
  let stopped: Promise<void> | undefined

  async function takeDue(): Promise<void> {
    const room = health.room(clock.now(), inFlight.size, config.slots)
    if (room <= 0) return
    // Those on their way are still queued, and due. One that is recorded while the question is being answered may be in
    // the answer and no longer on its way: so what counts is who was on its way before.
    const before = new Set(inFlight.keys())
    const due = await insist('read due mails', () => state.deliveries.due(clock.now(), room + before.size))
    const fresh = due.filter(({ id }) => !before.has(id)).slice(0, room)
    for (const one of fresh) inFlight.set(one.id, deliver(one))
  }

  /** Never rejects. What fails here is looked at again with the next poll, not at once. */
  async function deliver(due: NotificationRecord): Promise<void> {
    try {
      await attempt(due)
      wakeup.wake()
    } catch (error) {
      if (!giveUp.signal.aborted) logger.error({ err: error, notification: due.id }, 'deliver mail failed')
    } finally {
      inFlight.delete(due.id)
    }
  }

  async function attempt(due: NotificationRecord): Promise<void> {
    const timeMs = clock.now()
    const mark = health.mark()
    const outcome = await send(due)
    const nowMs = clock.now()
    noteHealth(outcome, mark, nowMs)
    const result = followUp(due, outcome, { policy: config, nowMs, random })
    const { code, response } = outcome
    const tried = { timeMs, provider: provider.name, code, response, latencyMs: Math.max(0, nowMs - timeMs) }
    await insist('record the attempt of a mail', () => state.deliveries.recordAttempt(due.id, tried, result))
    count(due, result, response)
    if (result.kind !== 'retry') deps.onDone(due, result.kind, nowMs)
  }

  async function send(due: NotificationRecord): Promise<SendOutcome> {
    const prepared = await prepareMail(due, { state, render, insist })
    if (prepared.kind === 'mail') return await provider.send(prepared.mail, giveUp.signal)
    return { kind: 'permanent', reason: prepared.reason, code: null, response: prepared.why }
  }

  function noteHealth(outcome: SendOutcome, mark: number, nowMs: number): void {
    const wasDown = health.down
    if (outcome.kind === 'temporary' && outcome.providerDown) health.failed(mark, nowMs)
    else if (outcome.kind === 'sent' || outcome.code !== null) health.up()
    if (health.down === wasDown) return
    const what = { provider: provider.name, response: outcome.response }
    if (health.down) logger.warn(what, 'mails wait: the provider does not take them')
    else logger.info(what, 'mails go out again')
  }

  function count(due: NotificationRecord, result: AttemptOutcome, response: string): void {
    if (result.kind === 'sent') counts.sent++
    else if (result.kind === 'retry') counts.retried++
    else {
      counts.failed++
      logger.warn({ notification: due.id, reason: result.reason, response }, 'a mail will not be delivered')
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await takeDue()
      await wakeup.wait(config.pollMs, stopping.signal)
    }
  }

  async function end(): Promise<void> {
    stopping.abort()
    const timer = setTimeout(() => giveUp.abort(), config.stopTimeoutMs)
    await running?.catch(() => {})
    await Promise.all(inFlight.values())
    clearTimeout(timer)
    if (giveUp.signal.aborted) logger.warn('notifier stopped with mails on their way; they go out after the next start')
    giveUp.abort()
  }

  return {
    start() {
      running ??= run()
    },
    stop: () => (stopped ??= end()),
    wake: wakeup.wake,
    stats: () => ({ ...counts, inFlight: inFlight.size, providerDown: health.down }),
  }
}
