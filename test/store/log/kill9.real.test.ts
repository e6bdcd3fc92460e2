import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { openSmallLog, readAll, tempFolder } from './harness.ts'

const child = fileURLToPath(new URL('./appending-child.ts', import.meta.url))

/** Starts the child on the folder and kills it after so many acknowledgements; what it had acknowledged. */
async function appendUntilKilled(folder: string, run: number, kills: number): Promise<Map<string, number>> {
  const process_ = spawn(process.execPath, [child, folder, '1000000', String(run)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = once(process_, 'close')
  const acked = new Map<string, number>()
  for await (const line of createInterface({ input: process_.stdout })) {
    const [word, topic, position] = line.split(' ')
    if (word === 'acked' && topic !== undefined && position !== undefined) acked.set(topic, Number(position))
    if (acked.size === kills) process_.kill('SIGKILL')
  }
  await closed
  return acked
}

describe('a log whose process is killed', () => {
  it('has everything that was acknowledged, once, at its position', async () => {
    const folder = await tempFolder()
    try {
      const acked = new Map<string, number>()
      for (const [run, kills] of [1, 700, 3000].entries()) {
        for (const [topic, position] of await appendUntilKilled(folder.path, run, kills)) acked.set(topic, position)
      }
      expect(acked.size).toBeGreaterThan(3000)
      const log = await openSmallLog(folder.path, { maxBytes: 1 << 30 })
      const seen = new Map<string, number>()
      for (const { topic, position } of await readAll(log, 0)) {
        expect(seen.has(topic)).toBe(false)
        seen.set(topic, position)
      }
      for (const [topic, position] of acked) expect(seen.get(topic)).toBe(position)
      await log.close()
    } finally {
      await folder.remove()
    }
  })
})
