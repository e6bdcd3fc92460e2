import type { Logger } from 'pino'
import type { Clock } from '../model/index.ts'
import type { CredentialQueries, SecretUse } from '../store/state/index.ts'

/** Which secrets were used since they were last asked for, and when: checking one writes nothing. */
export interface UsesInMemory {
  note(secretId: string): void
  /** What was noted since the last call. */
  take(): readonly SecretUse[]
}

/** Beyond it the secret that was noted first is forgotten: its last use stays the one before. */
const maxUses = 100_000

export function createUsesInMemory(clock: Clock): UsesInMemory {
  let uses = new Map<string, number>()

  return {
    note(secretId) {
      const [oldest] = uses.size >= maxUses && !uses.has(secretId) ? uses.keys() : []
      if (oldest !== undefined) uses.delete(oldest)
      uses.set(secretId, clock.now())
    },
    take() {
      const taken = [...uses].map(([secretId, usedMs]) => ({ secretId, usedMs }))
      uses = new Map()
      return taken
    },
  }
}

/** The same credentials; whoever checks a token leaves a note of it. */
export function notingUses(credentials: CredentialQueries, note: UsesInMemory['note']): CredentialQueries {
  return {
    ...credentials,
    async verify(token) {
      const credential = await credentials.verify(token)
      if (credential !== undefined) note(credential.secretId)
      return credential
    },
  }
}

export interface UseRecorderDeps {
  /** Of each thread that checks credentials. */
  readonly takers: readonly (() => Promise<readonly SecretUse[]> | readonly SecretUse[])[]
  readonly record: (uses: readonly SecretUse[]) => Promise<void>
  readonly logger: Logger
}

/** Brings uses into state now and then, and at the stop. What cannot be written is given up: it is a hint for people. */
export function createUseRecorder(intervalMs: number, deps: UseRecorderDeps): { start(): void; stop(): Promise<void> } {
  const { takers, record, logger } = deps
  let failing = false
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()
  let stopped = false

  async function turn(): Promise<void> {
    try {
      for (const take of takers) {
        const uses = await take()
        if (uses.length > 0) await record(uses)
      }
      failing = false
    } catch (error) {
      if (!failing) logger.warn({ err: error }, 'last uses of credentials not recorded')
      failing = true
    }
  }

  function schedule(): void {
    if (stopped) return
    timer = setTimeout(() => {
      running = turn().then(schedule)
    }, intervalMs)
    timer.unref()
  }

  return {
    start: schedule,
    async stop() {
      stopped = true
      clearTimeout(timer)
      await running
      await turn()
    },
  }
}
