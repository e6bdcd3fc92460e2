import { afterEach, describe, expect, test } from 'vitest'
import { createDispatcher, type Dispatcher, type DispatcherDeps, type Stage } from '../../alerts/index.ts'
import { AppError } from '../../model/index.ts'
import type { DispatchLedger, NotificationRecord } from '../../store/state/index.ts'
import { waitUntil } from '../setup/wait.ts'
import { silent } from '../store/state/sqlite-place.ts'
import { type AlertWorld, alertSteps, openAlertWorld } from './alert-world.ts'

const recipients = ['ann@example.com', 'ben@example.com']
const ends: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function openWorld(): Promise<AlertWorld> {
  const world = await openAlertWorld()
  ends.push(async () => world[Symbol.asyncDispose]())
  return world
}

/** Asks rarely, so that only waking explains what is seen, unless the test says otherwise. */
function createTestDispatcher(world: AlertWorld, more: Partial<DispatcherDeps> = {}, pollMs = 3_600_000): Dispatcher {
  const config = { recipients, batchEvents: 2, pollMs }
  const ledger = world.state.dispatch
  const dispatcher = createDispatcher(config, { ledger, stages: [], logger: silent, onQueued: () => {}, ...more })
  ends.push(() => dispatcher.stop())
  return dispatcher
}

async function allNotifications({ state }: AlertWorld): Promise<readonly NotificationRecord[]> {
  const page = await state.notifications.list({ scope: 'all', limit: 1_000 })
  return page.items.toReversed()
}

const caughtUp = (world: AlertWorld, lastEventId: number) =>
  waitUntil('the dispatcher', async () => (await world.state.dispatch.position()) === lastEventId)

async function lastEventId(world: AlertWorld): Promise<number> {
  return (await world.state.dispatch.events(0, 1_000)).at(-1)?.id ?? 0
}

describe('the dispatcher', () => {
  test('makes one notification per recipient for firing, severity and resolved, and none for the rest', async () => {
    const world = await openWorld()
    const alert = alertSteps('a')
    const never = alertSteps('b')
    await world.record(alert.pending(), alert.firing(), never.pending(), never.inactive(), alert.severity())
    await world.record(alert.resolved())
    createTestDispatcher(world).start()
    await caughtUp(world, await lastEventId(world))
    const notifications = await allNotifications(world)
    const events = await world.state.dispatch.events(0, 10)
    expect(events.map(({ event }) => event.kind)).toEqual(['firing', 'severity', 'resolved'])
    expect(notifications.map(({ eventId, recipient }) => [eventId, recipient])).toEqual(
      events.flatMap(({ id }) => recipients.map((recipient) => [id, recipient])),
    )
    expect(new Set(notifications.map(({ state }) => state))).toEqual(new Set(['queued']))
  })

  test('goes on where the one before it stopped, and decides nothing twice', async () => {
    const world = await openWorld()
    const first = alertSteps('a')
    await world.record(first.firing())
    const before = createTestDispatcher(world)
    before.start()
    await caughtUp(world, await lastEventId(world))
    await before.stop()
    await world.record(first.resolved())
    createTestDispatcher(world).start()
    await caughtUp(world, await lastEventId(world))
    expect(await allNotifications(world)).toHaveLength(2 * recipients.length)
  })

  test('looks when it is woken, and tells that something is queued', async () => {
    const world = await openWorld()
    let queued = 0
    const dispatcher = createTestDispatcher(world, { onQueued: () => queued++ })
    dispatcher.start()
    await world.record(alertSteps('a').firing())
    expect(queued).toBe(0)
    dispatcher.wake()
    await waitUntil('the call', () => queued === 1)
    expect(await allNotifications(world)).toHaveLength(recipients.length)
  })

  test('looks by itself too', async () => {
    const world = await openWorld()
    createTestDispatcher(world, {}, 20).start()
    await world.record(alertSteps('a').firing())
    await caughtUp(world, await lastEventId(world))
  })

  test('a stage that stops a notification names the reason, and the stages after it are not asked', async () => {
    const world = await openWorld()
    const asked: string[] = []
    const stages: readonly Stage[] = [
      {
        name: 'ann sleeps',
        judge: ({ recipient }) =>
          recipient.startsWith('ann') ? { kind: 'suppress', reason: 'quiet_hours' } : { kind: 'pass' },
      },
      {
        name: 'listens',
        judge: ({ recipient }) => {
          asked.push(recipient)
          return { kind: 'pass' }
        },
      },
    ]
    let queued = 0
    await world.record(alertSteps('a').firing())
    createTestDispatcher(world, { stages, onQueued: () => queued++ }).start()
    await caughtUp(world, await lastEventId(world))
    expect(await allNotifications(world)).toMatchObject([
      { recipient: 'ann@example.com', state: 'suppressed', reason: 'quiet_hours', nextAttemptMs: null },
      { recipient: 'ben@example.com', state: 'queued', reason: null },
    ])
    expect(asked).toEqual(['ben@example.com'])
    expect(queued).toBe(1)
  })

  test('a commit that succeeded without saying so is not made again', async () => {
    const world = await openWorld()
    await world.record(alertSteps('a').firing())
    let deaf = true
    const ledger: DispatcherDeps['ledger'] = {
      ...world.state.dispatch,
      async commit(position, decisions) {
        await world.state.dispatch.commit(position, decisions)
        if (!deaf) return
        deaf = false
        throw new AppError('store_unavailable', 'commit failed', { retryable: true })
      },
    }
    createTestDispatcher(world, { ledger }).start()
    await caughtUp(world, await lastEventId(world))
    await world.record(alertSteps('b').firing())
    const again = createTestDispatcher(world)
    again.start()
    await caughtUp(world, await lastEventId(world))
    expect(await allNotifications(world)).toHaveLength(2 * recipients.length)
  })

  test('waits for a state that is not there and then goes on', async () => {
    const world = await openWorld()
    await world.record(alertSteps('a').firing())
    let refusals = 3
    const refuse = <Args extends readonly unknown[], Result>(ask: (...args: Args) => Promise<Result>) => {
      return async (...args: Args): Promise<Result> => {
        if (refusals-- > 0) throw new AppError('store_unavailable', 'read events failed', { retryable: true })
        return ask(...args)
      }
    }
    const { position, events, commit } = world.state.dispatch
    const ledger: Pick<DispatchLedger, 'position' | 'events' | 'commit'> = {
      position,
      events: refuse(events),
      commit: refuse(commit),
    }
    createTestDispatcher(world, { ledger }).start()
    await caughtUp(world, await lastEventId(world))
    expect(await allNotifications(world)).toHaveLength(recipients.length)
  })

  test('stops at any time: before it started, twice, while it works', async () => {
    const world = await openWorld()
    const idle = createTestDispatcher(world)
    await idle.stop()
    const busy = createTestDispatcher(world)
    busy.start()
    await Promise.all([busy.stop(), busy.stop()])
  })
})
