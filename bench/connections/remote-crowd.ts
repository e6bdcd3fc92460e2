import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { atProcessEnd } from '../../test/setup/at-process-end.ts'
import type { CrowdConfig, Opening } from './crowd.ts'
import type { CrowdOrder } from './crowd-main.ts'

export interface RemoteCrowd extends AsyncDisposable {
  open(atOnce: number): Promise<Opening>
  cut(): Promise<void>
  connected(): Promise<number>
}

const entry = fileURLToPath(new URL('./crowd-main.ts', import.meta.url))

/** The crowd in a process of its own; one order at a time. */
export async function startCrowd(config: CrowdConfig): Promise<RemoteCrowd> {
  const child = fork(entry, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const callOff = atProcessEnd(() => child.kill('SIGKILL'))

  async function ask(order: CrowdOrder): Promise<unknown> {
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`the crowd's process ended with ${code}`)
    })
    ended.catch(() => {})
    child.send(order)
    const [answer] = await Promise.race([once(child, 'message'), ended])
    return answer
  }

  await ask({ kind: 'begin', config })
  return {
    // The answers of our own program, typed where they are made.
    open: async (atOnce) => (await ask({ kind: 'open', atOnce })) as Opening,
    async cut() {
      await ask({ kind: 'cut' })
    },
    connected: async () => Number(await ask({ kind: 'count' })),
    async [Symbol.asyncDispose]() {
      callOff()
      if (child.exitCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}
