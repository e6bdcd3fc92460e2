import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { type AlertWorld, alertSteps, openAlertWorld } from '../alerts/alert-world.ts'
import { type Child, startChild } from '../setup/child.ts'
import { waitUntil } from '../setup/wait.ts'
import { type MailServer, startMailServer } from './mail-server.ts'

const program = fileURLToPath(new URL('notifying-process.ts', import.meta.url))
const recipients = ['ann@example.com', 'ben@example.com']
const ends: (() => Promise<unknown> | unknown)[] = []

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** A state with so many alerts, each to be mailed to both recipients, and a server that takes the mails. */
async function prepare(alerts: number): Promise<{ world: AlertWorld; server: MailServer }> {
  const world = await openAlertWorld()
  ends.push(async () => world[Symbol.asyncDispose]())
  const server = await startMailServer()
  ends.push(() => server.stop())
  for (let n = 0; n < alerts; n++) await world.record(alertSteps(`a${n}`).firing())
  const events = await world.state.dispatch.events(0, 1_000)
  const decisions = events.flatMap(({ id }) =>
    recipients.map((recipient) => ({ eventId: id, channel: 'email', recipient }) as const),
  )
  await world.state.dispatch.commit(events.at(-1)?.id ?? 0, decisions)
  return { world, server }
}

function startNotifying(world: AlertWorld, server: MailServer, hold = ''): Child {
  const child = startChild(process.execPath, [program, world.config.file, server.url, hold])
  ends.push(() => child.kill('SIGKILL'))
  return child
}

const allSent = (world: AlertWorld) =>
  waitUntil('all to be sent', async () => (await world.state.notifications.counts()).queued === 0)

test('killed between the answer of the server and its record, a mail repeats with the same Message-ID and bytes', async () => {
  const { world, server } = await prepare(1)
  const killed = startNotifying(world, server, 'hold')
  await killed.waitFor((line) => line === 'answered' || undefined, 20_000)
  await killed.kill('SIGKILL')
  const before = server.accepted.length
  const child = startNotifying(world, server)
  await allSent(world)
  await child.kill('SIGTERM')
  expect(before).toBeGreaterThan(0)
  const raws = new Set(server.accepted.map(({ raw }) => raw))
  const messageIds = new Set(server.accepted.map(({ messageId }) => messageId))
  expect(raws.size).toBe(recipients.length)
  expect(messageIds.size).toBe(recipients.length)
})

test('killed at any moment, every recipient is told of every alert under one Message-ID', async () => {
  const alerts = 20
  const { world, server } = await prepare(alerts)
  for (let kills = 1; kills <= 5; kills++) {
    const child = startNotifying(world, server)
    const enough = server.accepted.length + kills
    await waitUntil('some mails', () => server.accepted.length >= enough, { everyMs: 1 })
    await child.kill('SIGKILL')
  }
  const child = startNotifying(world, server)
  await allSent(world)
  await child.kill('SIGTERM')
  const { items } = await world.state.notifications.list({ scope: 'all', limit: 1_000 })
  expect(items).toHaveLength(alerts * recipients.length)
  const told = new Map<string, Set<string>>()
  for (const mail of server.accepted) {
    const ids = told.get(`${mail.recipients} ${mail.messageId}`) ?? new Set()
    told.set(`${mail.recipients} ${mail.messageId}`, ids.add(mail.raw))
  }
  expect([...told.keys()].sort()).toEqual(items.map(({ recipient, messageId }) => `${recipient} ${messageId}`).sort())
  expect([...told.values()].every((raws) => raws.size === 1)).toBe(true)
})
