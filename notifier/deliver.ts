import type { Logger } from 'pino'
import { type Clock, createWakeup } from '../model/index.ts'
import type { AttemptOutcome, DispatchEvent, NotificationRecord, StoredMessage } from '../store/state/index.ts'
import { createInsist } from './insist.ts'
import type { MailProvider, NotifierState, SendOutcome } from './ports.ts'
import { createProviderHealth } from './provider-health.ts'
import { nextAttemptMs, type Random, type RetryPolicy } from './retry.ts'

export interface DeliveryConfig extends RetryPolicy {
  /** Mails on their way at once, those that wait for the provider included. */
  readonly slots: number
  readonly pollMs: number
  readonly stopTimeoutMs: number
}

export interface DeliveryDeps {
  readonly state: NotifierState
  readonly provider: MailProvider
  /** The message that a notification is; asked once for each, for it is kept then. */
  readonly render: (due: NotificationRecord, about: DispatchEvent) => Promise<StoredMessage>
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
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
  const { state, provider, clock, random, logger } = deps
  const stopping = new AbortController()
  const giveUp = new AbortController()
  const wakeup = createWakeup()
  const health = createProviderHealth(config, random)
  const insist = createInsist(logger, giveUp.signal)
  const inFlight = new Map<string, Promise<void>>()
  const counts = { sent: 0, failed: 0, retried: 0 }
  let running: Promise<void> | undefined

  async function takeDue(): Promise<void> {
    const room = health.room(clock.now(), inFlight.size, config.slots)
    if (room <= 0) return
    // Those on their way are still queued, and due.
    const due = await insist('read due mails', () => state.deliveries.due(clock.now(), room + inFlight.size))
    const fresh = due.filter(({ id }) => !inFlight.has(id)).slice(0, room)
    for (const one of fresh) inFlight.set(one.id, deliver(one))
  }

  /** Never rejects. */
  async function deliver(due: NotificationRecord): Promise<void> {
    try {
      await attempt(due)
    } catch (error) {
      if (!giveUp.signal.aborted) logger.error({ err: error, notification: due.id }, 'deliver mail failed')
    }
    inFlight.delete(due.id)
    wakeup.wake()
  }

  async function attempt(due: NotificationRecord): Promise<void> {
    const timeMs = clock.now()
    const mark = health.mark()
    const outcome = await send(due)
    const nowMs = clock.now()
    noteHealth(outcome, mark, nowMs)
    const result = resultOf(due, outcome, nowMs)
    const { code, response } = outcome
    const tried = { timeMs, provider: provider.name, code, response, latencyMs: Math.max(0, nowMs - timeMs) }
    await insist('record the attempt of a mail', () => state.deliveries.recordAttempt(due.id, tried, result))
    count(due, result, response)
  }

  async function send(due: NotificationRecord): Promise<SendOutcome> {
    const { id, recipient, createdMs } = due
    // What an earlier attempt sent is sent again, to the byte: the server may have it.
    const kept = due.messageId === null ? undefined : await insist('read a mail', () => state.notifications.message(id))
    if (kept !== undefined) return await provider.send({ ...kept, recipient, createdMs }, giveUp.signal)
    const about = await insist('read what a mail is about', () => state.dispatch.event(due.eventId))
    if (about === undefined) return unsendable('event_gone', `event ${due.eventId} is not kept any more`)
    let rendered: StoredMessage
    try {
      rendered = await deps.render(due, about)
    } catch (error) {
      return unsendable('unrenderable', error instanceof Error ? error.message : String(error))
    }
    const message = await insist('keep a mail', () => state.deliveries.saveMessage(id, rendered))
    return await provider.send({ ...message, recipient, createdMs }, giveUp.signal)
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

  function resultOf(due: NotificationRecord, outcome: SendOutcome, nowMs: number): AttemptOutcome {
    switch (outcome.kind) {
      case 'sent':
        return { kind: 'sent' }
      case 'permanent':
        return { kind: 'failed', reason: outcome.reason }
      case 'temporary': {
        const state = { createdMs: due.createdMs, attempts: due.attempts + 1, nowMs }
        const nextMs = nextAttemptMs(config, state, random)
        if (nextMs === undefined) return { kind: 'failed', reason: 'gave_up' }
        return { kind: 'retry', reason: outcome.reason, nextAttemptMs: nextMs }
      }
      default:
        return outcome satisfies never
    }
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

  async function settled(): Promise<void> {
    await running?.catch(() => {})
    await Promise.all(inFlight.values())
  }

  return {
    start() {
      running ??= run()
    },
    async stop() {
      stopping.abort()
      const timer = setTimeout(() => giveUp.abort(), config.stopTimeoutMs)
      await settled()
      clearTimeout(timer)
      if (giveUp.signal.aborted)
        logger.warn('notifier stopped with mails on their way; they go out after the next start')
      giveUp.abort()
    },
    wake: wakeup.wake,
    stats: () => ({ ...counts, inFlight: inFlight.size, providerDown: health.down }),
  }
}

function unsendable(reason: 'event_gone' | 'unrenderable', response: string): SendOutcome {
  return { kind: 'permanent', reason, code: null, response }
}
