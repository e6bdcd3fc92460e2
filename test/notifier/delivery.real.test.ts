import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { AppError, systemClock } from '../../model/index.ts'
import {
  createNotifier,
  type Notifier,
  type NotifierDeps,
  type NotifierState,
  notifierConfigSchema,
} from '../../notifier/index.ts'
import type { NotificationRecord, NotificationState } from '../../store/state/index.ts'
import { type AlertWorld, alertSteps, openAlertWorld } from '../alerts/alert-world.ts'
import { makeTempFolder } from '../setup/temp-folder.ts'
import { waitUntil } from '../setup/wait.ts'
import { silent } from '../store/state/sqlite-place.ts'
import { headerOf, type MailServer, type MailServerOptions, startMailServer } from './mail-server.ts'

const ends: (() => Promise<unknown> | unknown)[] = []

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function openWorld(): Promise<AlertWorld> {
  const world = await openAlertWorld()
  ends.push(async () => world[Symbol.asyncDispose]())
  return world
}

async function startServer(options: MailServerOptions = {}): Promise<MailServer> {
  const server = await startMailServer(options)
  ends.push(() => server.stop())
  return server
}

interface TestNotifierOptions {
  readonly smtpUrl?: string
  readonly emlFolder?: string
  readonly state?: NotifierState
  readonly config?: Readonly<Record<string, unknown>>
  readonly onDone?: NotifierDeps['onDone']
}

function createTestNotifier(world: AlertWorld, options: TestNotifierOptions = {}): Notifier {
  const { smtpUrl, emlFolder = '/nowhere', state = world.state } = options
  const quick = { pollMs: 10, firstRetryMs: 10, longestRetryMs: 50, stopTimeoutMs: 200, mailsPerS: 1_000 }
  const config = notifierConfigSchema.parse({ smtpUrl, from: 'Site <site@example.com>', ...quick, ...options.config })
  const deps = {
    state,
    emlFolder,
    clock: systemClock,
    random: () => 0.5,
    logger: silent,
    onDone: options.onDone ?? (() => {}),
  }
  const notifier = createNotifier(config, deps)
  ends.push(() => notifier.stop())
  return notifier
}

/** One firing alert for each recipient; the ids of its notifications, in order. */
async function queueAlert(world: AlertWorld, name: string, recipients = ['ops@example.com']): Promise<void> {
  await world.record(alertSteps(name).firing())
  const [event] = await world.state.dispatch.events(await world.state.dispatch.position(), 1)
  if (event === undefined) throw new Error('there is no event to queue')
  const decisions = recipients.map((recipient) => ({ eventId: event.id, channel: 'email', recipient }) as const)
  await world.state.dispatch.commit(event.id, decisions)
}

async function notifications({ state }: AlertWorld): Promise<readonly NotificationRecord[]> {
  return (await state.notifications.list({ scope: 'all', limit: 1_000 })).items.toReversed()
}

/** Until so many are in that state; resolves with all there are. */
function untilThereAre(world: AlertWorld, count: number, state: NotificationState) {
  return waitUntil(`${count} ${state} notifications`, async () => {
    const all = await notifications(world)
    return all.filter((one) => one.state === state).length === count && all
  })
}

const ids = (server: MailServer) => server.accepted.map(({ messageId }) => messageId)

describe('the notifier', () => {
  test('sends what is queued, once, and keeps what the server said', async () => {
    const world = await openWorld()
    const server = await startServer()
    await queueAlert(world, 'a', ['ann@example.com', 'ben@example.com'])
    const notifier = createTestNotifier(world, { smtpUrl: server.url })
    notifier.start()
    const sent = await untilThereAre(world, 2, 'sent')
    expect(server.accepted.flatMap(({ recipients }) => recipients).sort()).toEqual([
      'ann@example.com',
      'ben@example.com',
    ])
    expect(ids(server).sort()).toEqual(sent.map(({ messageId }) => messageId ?? '').sort())
    for (const { id, attempts } of sent) {
      expect(attempts).toBe(1)
      expect(await world.state.notifications.attempts(id)).toMatchObject([
        { number: 1, outcome: 'sent', code: 250, provider: `smtp 127.0.0.1:${server.port}` },
      ])
    }
    expect(notifier.stats()).toMatchObject({ sent: 2, failed: 0, retried: 0, providerDown: false })
  })

  test('tells what became of each, once it is recorded', async () => {
    const world = await openWorld()
    const server = await startServer({
      onRecipient: (address) => (address.startsWith('no') ? { code: 550, text: 'no such mailbox' } : undefined),
    })
    await queueAlert(world, 'a', ['ann@example.com', 'nobody@example.com'])
    const done: string[] = []
    const notifier = createTestNotifier(world, {
      smtpUrl: server.url,
      onDone: ({ recipient }, outcome) => void done.push(`${recipient} ${outcome}`),
    })
    notifier.start()
    await waitUntil('both are done', () => done.length === 2)
    expect(done.toSorted()).toEqual(['ann@example.com sent', 'nobody@example.com failed'])
    expect((await notifications(world)).map(({ state }) => state).toSorted()).toEqual(['failed', 'sent'])
  })

  test('while the server is down mails wait for it, one of them trying; once it is up all go out', async () => {
    const world = await openWorld()
    const down = await startServer()
    await down.stop()
    for (let n = 0; n < 12; n++) await queueAlert(world, `a${n}`)
    const notifier = createTestNotifier(world, { smtpUrl: down.url, config: { connections: 2 } })
    notifier.start()
    await waitUntil('three failed attempts', () => notifier.stats().retried >= 3)
    expect(notifier.stats().providerDown).toBe(true)
    const attempts = (await notifications(world)).reduce((sum, one) => sum + one.attempts, 0)
    const tried = (await notifications(world)).filter((one) => one.attempts > 0)
    expect(tried.length).toBeLessThan(12)
    expect(tried[0]?.reason).toBe('server_unreachable')
    expect(attempts).toBeGreaterThanOrEqual(3)
    const up = await startServer({ port: down.port })
    await untilThereAre(world, 12, 'sent')
    expect(new Set(ids(up)).size).toBe(12)
    expect(up.accepted).toHaveLength(12)
    expect(notifier.stats().providerDown).toBe(false)
  })

  test('a 4xx is tried again, with the same Message-ID and the same bytes', async () => {
    const world = await openWorld()
    const refused: string[] = []
    const server = await startServer({
      onMessage: ({ raw }) => (refused.push(raw) <= 2 ? { code: 451, text: 'later' } : undefined),
    })
    await queueAlert(world, 'a')
    createTestNotifier(world, { smtpUrl: server.url }).start()
    const [sent] = await untilThereAre(world, 1, 'sent')
    expect(sent?.attempts).toBe(3)
    expect(new Set(refused).size).toBe(1)
    const attempts = await world.state.notifications.attempts(sent?.id ?? '')
    expect(attempts.map(({ outcome, code }) => [outcome, code])).toEqual([
      ['retry', 451],
      ['retry', 451],
      ['sent', 250],
    ])
  })

  test('one bad address is given up at once and blocks nobody', async () => {
    const world = await openWorld()
    const server = await startServer({
      onRecipient: (address) => (address.startsWith('gone') ? { code: 550, text: 'no such person' } : undefined),
    })
    for (let n = 0; n < 5; n++) await queueAlert(world, `a${n}`, ['gone@example.com', 'ops@example.com'])
    createTestNotifier(world, { smtpUrl: server.url, config: { connections: 1 } }).start()
    await untilThereAre(world, 5, 'sent')
    const all = await untilThereAre(world, 5, 'failed')
    const failed = all.filter(({ state }) => state === 'failed')
    expect(new Set(failed.map(({ reason, attempts }) => `${reason} ${attempts}`))).toEqual(
      new Set(['recipient_refused 1']),
    )
    expect(server.accepted).toHaveLength(5)
  })

  test('an address that the server puts off for ever holds up no other', async () => {
    const world = await openWorld()
    const server = await startServer({
      onRecipient: (address) => (address.startsWith('full') ? { code: 452, text: 'mailbox full' } : undefined),
    })
    for (let n = 0; n < 5; n++) await queueAlert(world, `a${n}`, ['full@example.com', 'ops@example.com'])
    createTestNotifier(world, { smtpUrl: server.url, config: { connections: 1 } }).start()
    const all = await untilThereAre(world, 5, 'sent')
    expect(all.every(({ recipient, state }) => (state === 'sent') === (recipient === 'ops@example.com'))).toBe(true)
  })

  test('what cannot be handed over in its time fails, and says so', async () => {
    const world = await openWorld()
    const server = await startServer({ onMessage: () => ({ code: 451, text: 'not today' }) })
    await queueAlert(world, 'a')
    createTestNotifier(world, { smtpUrl: server.url, config: { giveUpAfterMs: 0 } }).start()
    const [failed] = await untilThereAre(world, 1, 'failed')
    expect(failed).toMatchObject({ reason: 'gave_up', nextAttemptMs: null })
    expect(await world.state.notifications.attempts(failed?.id ?? '')).toMatchObject([{ response: '451 not today' }])
  })

  test('stops in its time with a server that hangs, and the next start sends what was left', async () => {
    const world = await openWorld()
    const held = Promise.withResolvers<undefined>()
    const hanging = await startServer({ onMessage: () => held.promise })
    for (let n = 0; n < 3; n++) await queueAlert(world, `a${n}`)
    const notifier = createTestNotifier(world, { smtpUrl: hanging.url })
    notifier.start()
    await waitUntil('mails on their way', () => notifier.stats().inFlight === 3)
    await notifier.stop()
    held.resolve(undefined)
    expect((await notifications(world)).map(({ state, attempts }) => [state, attempts])).toEqual(
      Array.from({ length: 3 }, () => ['queued', 0]),
    )
    const server = await startServer()
    createTestNotifier(world, { smtpUrl: server.url }).start()
    const sent = await untilThereAre(world, 3, 'sent')
    expect(ids(server).sort()).toEqual(sent.map(({ messageId }) => messageId ?? '').sort())
  })

  test('a mail that went out but could not be recorded is not sent again meanwhile', async () => {
    const world = await openWorld()
    const server = await startServer()
    await queueAlert(world, 'a')
    let refusals = 4
    const { deliveries, notifications: messages, dispatch, accountMails } = world.state
    const state: NotifierState = {
      notifications: messages,
      dispatch,
      accountMails,
      deliveries: {
        ...deliveries,
        async recordAttempt(id, attempt, outcome) {
          if (refusals-- > 0) throw new AppError('store_unavailable', 'record attempt failed', { retryable: true })
          return await deliveries.recordAttempt(id, attempt, outcome)
        },
      },
    }
    createTestNotifier(world, { smtpUrl: server.url, state }).start()
    await untilThereAre(world, 1, 'sent')
    expect(refusals).toBeLessThan(0)
    expect(server.accepted).toHaveLength(1)
  })

  test('an answer that is older than the record of a mail does not send it again', async () => {
    const world = await openWorld()
    const held = Promise.withResolvers<undefined>()
    const server = await startServer({ onMessage: () => held.promise })
    await queueAlert(world, 'a')
    const { deliveries, notifications: messages, dispatch, accountMails } = world.state
    let asked = 0
    const state: NotifierState = {
      notifications: messages,
      dispatch,
      accountMails,
      deliveries: {
        ...deliveries,
        async due(nowMs, limit) {
          const found = await deliveries.due(nowMs, limit)
          if (++asked !== 2) return found
          expect(found).toHaveLength(1)
          held.resolve(undefined)
          await untilThereAre(world, 1, 'sent')
          return found
        },
      },
    }
    const notifier = createTestNotifier(world, { smtpUrl: server.url, state })
    notifier.start()
    await waitUntil('some more looks', () => asked >= 5)
    await notifier.stop()
    expect(server.accepted).toHaveLength(1)
  })

  test('hands over no more mails in a second than it may', async () => {
    const world = await openWorld()
    const server = await startServer()
    for (let n = 0; n < 5; n++) await queueAlert(world, `a${n}`)
    const startMs = performance.now()
    createTestNotifier(world, { smtpUrl: server.url, config: { mailsPerS: 2 } }).start()
    await untilThereAre(world, 5, 'sent')
    // Two in the first second, two in the next, then the fifth; however slow the machine is, not sooner.
    expect(performance.now() - startMs).toBeGreaterThan(2_000)
  })

  test('without a server the mail lands as a file that carries the kept bytes', async () => {
    const world = await openWorld()
    const folder = makeTempFolder('eml')
    ends.push(() => folder.remove())
    const emlFolder = join(folder.path, 'mails')
    await queueAlert(world, 'a')
    createTestNotifier(world, { emlFolder }).start()
    const [sent] = await untilThereAre(world, 1, 'sent')
    const files = readdirSync(emlFolder)
    expect(files).toEqual([`${new Date(sent?.createdMs ?? 0).toISOString().replaceAll(/[-:]/g, '')}-${sent?.id}.eml`])
    const kept = await world.state.notifications.message(sent?.id ?? '')
    const written = readFileSync(join(emlFolder, files[0] ?? ''))
    expect(written.equals(kept?.bytes ?? new Uint8Array())).toBe(true)
    expect(headerOf(written.toString(), 'Message-ID')).toBe(sent?.messageId)
  })

  test('beyond so many files the oldest make room, and what somebody else put there stays', async () => {
    const world = await openWorld()
    const folder = makeTempFolder('eml')
    ends.push(() => folder.remove())
    writeFileSync(join(folder.path, 'saved.eml'), 'by hand')
    for (let n = 0; n < 5; n++) await queueAlert(world, `a${n}`)
    createTestNotifier(world, { emlFolder: folder.path, config: { emlFiles: 2, connections: 1 } }).start()
    const all = await untilThereAre(world, 5, 'sent')
    const newest = all.toSorted((a, b) => a.createdMs - b.createdMs).slice(-1)
    const files = readdirSync(folder.path)
    expect(files).toHaveLength(3)
    expect(files).toContain('saved.eml')
    expect(files.some((name) => name.includes(newest[0]?.id ?? '?'))).toBe(true)
  })

  test('a folder that cannot be written keeps the mails waiting', async () => {
    const world = await openWorld()
    const folder = makeTempFolder('eml')
    ends.push(() => folder.remove())
    const emlFolder = join(folder.path, 'state.db', 'mails')
    await queueAlert(world, 'a')
    const blocked = createTestNotifier(world, { emlFolder: '/dev/null/mails' })
    blocked.start()
    await waitUntil('an attempt that failed', () => blocked.stats().retried > 0)
    expect(await notifications(world)).toMatchObject([{ state: 'queued', reason: 'folder_unwritable' }])
    await blocked.stop()
    createTestNotifier(world, { emlFolder }).start()
    await untilThereAre(world, 1, 'sent')
    expect(existsSync(emlFolder)).toBe(true)
  })
})
