import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { describe, expect, test } from 'vitest'
import { openSessions, temporaryFolder } from './temporary.ts'

/** Runs the child until it has printed so many lines more, kills it, and gives the last position it was sure of. */
async function runAndKill(folder: string, lines: number): Promise<number> {
  const entry = new URL('./kill9-child.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [entry, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  let promised = 0
  let seen = 0
  for await (const line of createInterface({ input: child.stdout })) {
    promised = Number(line)
    if (++seen === lines) child.kill('SIGKILL')
  }
  await exited
  return promised
}

describe('sessions after kill -9', () => {
  test('hold all that was promised, each once, and number on where they were', async () => {
    const folder = await temporaryFolder()
    let queued = 0
    for (const lines of [1, 40, 120]) {
      const promised = await runAndKill(folder, lines)
      const sessions = await openSessions({ folder, config: { maxQueuedMessages: 1_000_000 } })
      const { fanoutPosition } = sessions.fanout
      expect(fanoutPosition).toBeGreaterThanOrEqual(promised)
      for (const client of ['a', 'b']) {
        const positions = [...sessions.outgoing.owed(client)].map((item) =>
          item.kind === 'publish' ? Number(item.message.payload) : Number.NaN,
        )
        expect(positions.slice(0, fanoutPosition)).toEqual(Array.from({ length: fanoutPosition }, (_, i) => i + 1))
        expect(positions.length).toBeGreaterThan(queued)
        expect((await sessions.table.sessionOf(client, false)).present).toBe(true)
        expect(sessions.subscriptions.of(client)).toMatchObject([{ filter: 't/#', qos: 1 }])
      }
      expect(sessions.incoming.get('a', promised)).toBeDefined()
      expect([...sessions.retained.matching('t/+')]).toHaveLength(Math.min(7, fanoutPosition))
      expect(sessions.stats().queuedMessages).toBe(
        [...sessions.outgoing.owed('a')].length + [...sessions.outgoing.owed('b')].length,
      )
      queued = fanoutPosition
      await sessions.close()
    }
  })
})
