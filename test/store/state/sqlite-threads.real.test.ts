import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  type AuditRecord,
  type NotificationRecord,
  openMigrator,
  openState,
  platformActor,
  type StateConfig,
  type TimeCursor,
} from '../../../store/state/index.ts'
import { device, deviceId, profile, site, walk } from './harness.ts'
import { createSqlitePlace, deps, type SqlitePlace } from './sqlite-place.ts'

let place: SqlitePlace
beforeEach(async () => {
  place = await createSqlitePlace()
})
afterEach(() => place.dispose())

async function prepare() {
  const state = await openState(place.config, deps)
  await state.change(platformActor, async (unit) => {
    await unit.sites.create(site('north'))
    await unit.profiles.create(profile('meter'))
    await unit.devices.create(device('shared', { attributes: { n: 0 } }))
  })
  return state
}

/** One after another in the same thread would not contend: each of these opens the state in a thread of its own. */
function contend(rounds: number, more: Partial<StateConfig>): Promise<number[][]> {
  const url = new URL('./contending-thread.ts', import.meta.url)
  return Promise.all(
    names.map(async (name) => {
      const worker = new Worker(url, { workerData: { name, rounds, config: { ...place.config, ...more } } })
      const [seriesIds] = await once(worker, 'message')
      await once(worker, 'exit')
      return seriesIds as number[]
    }),
  )
}

const names = ['one', 'two', 'three']

test('threads that write the same rows lose nothing and meet no busy database', async () => {
  const state = await prepare()
  const rounds = 60
  const answers = await contend(rounds, { migrate: false })
  expect((await state.devices.get(deviceId('shared')))?.attributes).toEqual({ n: names.length * rounds })
  expect((await state.sites.list({ scope: 'all', limit: 1_000 })).items).toHaveLength(names.length * rounds + 1)
  for (const name of names) expect(await state.ledger.position(name)).toBe(rounds)
  expect(answers[1]).toEqual(answers[0])
  expect(answers[2]).toEqual(answers[0])
  expect(new Set(answers[0]).size).toBe(2 * rounds)
  const audit = await walk<AuditRecord, TimeCursor>((after) => state.audit.list({ scope: 'all', limit: 100, after }))
  expect(audit.map((row) => row.id).toSorted((a, b) => a - b)).toEqual(audit.map((_, i) => i + 1))
  expect(audit.filter((row) => row.action === 'device.update')).toHaveLength(names.length * rounds)
  await state.close()
})

test('threads that open a new state at once all come up, and each step is applied once', async () => {
  expect(await contend(0, { migrate: true })).toEqual([[], [], []])
  const migrator = openMigrator(place.config, deps.clock)
  const { current, latest } = await migrator.status()
  expect(current).toBe(latest)
  await migrator.close()
})

test('a writer that is killed leaves every change it announced and no half one', async () => {
  await (await prepare()).close()
  const script = fileURLToPath(new URL('./killed-writer.ts', import.meta.url))
  const child = spawn(process.execPath, [script, place.config.file, '40'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const announced: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'inside') break
    announced.push(line)
  }
  child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')

  const state = await openState(place.config, deps)
  const { items } = await state.sites.list({ scope: 'all', limit: 1_000 })
  expect(items.map((item) => item.id).sort()).toEqual(['north', ...announced].sort())
  expect(announced).toHaveLength(40)
  const devices = await state.devices.list({ scope: 'all', limit: 1_000 })
  expect(devices.items).toHaveLength(41)
  const frames = await state.outbox.pending(1_000)
  expect(frames.filter((frame) => frame.topic.startsWith('site/'))).toHaveLength(41)
  await state.change(platformActor, (unit) => unit.sites.create(site('half')))
  await state.close()
})

test('a recorder that is killed leaves each alert and each notification up to its positions, once', async () => {
  await (await prepare()).close()
  const script = fileURLToPath(new URL('./killed-recorder.ts', import.meta.url))
  const child = spawn(process.execPath, [script, place.config.file], { stdio: ['ignore', 'pipe', 'inherit'] })
  let announced = 0
  for await (const line of createInterface({ input: child.stdout })) {
    announced = Number(line)
    if (announced === 50) child.kill('SIGKILL')
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')

  const state = await openState(place.config, deps)
  const recorded = await state.alertLedger.position()
  expect(recorded).toBeGreaterThanOrEqual(announced)
  const { items } = await state.alerts.list({ scope: 'all', limit: 10_000 })
  expect(items.map(({ id }) => id).sort()).toEqual(Array.from({ length: recorded }, (_, i) => `a${i + 1}`).sort())
  const dispatched = await state.dispatch.position()
  expect(dispatched).toBeGreaterThanOrEqual(2 * announced)
  const mails = await walk<NotificationRecord, TimeCursor>((after) =>
    state.notifications.list({ scope: 'all', limit: 100, after }),
  )
  expect(mails.map(({ eventId }) => eventId).toReversed()).toEqual(Array.from({ length: dispatched }, (_, i) => i + 1))
  await state.close()
})
