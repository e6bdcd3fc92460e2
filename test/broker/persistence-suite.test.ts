import assert from 'node:assert'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, test } from 'vitest'
import { createSessionPersistence } from '../../broker/persistence.ts'
import { createLmdbSessions } from '../../store/sessions/index.ts'

/** What the suite of aedes-persistence uses of node:test's context. */
const context = {
  assert,
  plan() {},
  diagnostic() {},
}

const suite: (options: {
  test: (name: string, run: (t: typeof context) => Promise<void>) => void
  persistence: () => Promise<object>
  testAsync: true
}) => void = createRequire(import.meta.url)('aedes-persistence/abstract.js')

const cleanups: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

async function openPersistence(): Promise<object> {
  const folder = await mkdtemp(join(tmpdir(), 'pelbiot-persistence-'))
  const sessions = createLmdbSessions({ folder })
  await sessions.open()
  cleanups.push(async () => {
    await sessions.close()
    await rm(folder, { recursive: true })
  })
  const persistence = createSessionPersistence(sessions)
  // In the platform a client connects before anything is stored for it; the suite begins behind the CONNECT.
  async function connectClients(args: readonly unknown[]): Promise<void> {
    for (const arg of args.flat()) {
      const { id, clientId } = Object(arg)
      const name = clientId ?? id
      if (typeof name === 'string') await persistence.sessionOf(name, false)
    }
  }
  const connecting = new Set<PropertyKey>([
    'addSubscriptions',
    'outgoingEnqueue',
    'outgoingEnqueueCombi',
    'incomingStorePacket',
  ])
  return new Proxy(persistence, {
    get(target, name) {
      if (name === 'broker') return broker
      const value = Reflect.get(target, name)
      if (name === 'setup')
        return async (given: object) => {
          broker = given
          await target.setup(given as never)
        }
      if (!connecting.has(name)) return value
      return async (...args: unknown[]) => {
        await connectClients(args.slice(0, 1))
        return value(...args)
      }
    },
  })
}

let broker: object

describe('the suite of aedes-persistence', () => {
  suite({ test: (name, run) => test(name, () => run(context)), persistence: openPersistence, testAsync: true })
})
