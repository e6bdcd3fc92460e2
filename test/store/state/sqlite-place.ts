import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { openState, type StateConfig, type StateDeps } from '../../../store/state/index.ts'
import { createTestClock, type StatePlace, settings } from './harness.ts'

export const tokenSecret = new Uint8Array(32).fill(7)
export const silent = pino({ level: 'silent' })
export const deps: StateDeps = { clock: createTestClock(), logger: silent }

export interface SqlitePlace extends StatePlace {
  readonly config: StateConfig
}

export async function createSqlitePlace(): Promise<SqlitePlace> {
  const folder = await mkdtemp(join(tmpdir(), 'pelbiot-state-'))
  const config: StateConfig = { file: join(folder, 'state.db'), migrate: true, tokenSecret, ...settings }
  return {
    config,
    open: (clock, more) => openState({ ...config, ...more }, { clock, logger: silent }),
    dispose: () => rm(folder, { recursive: true, force: true }),
  }
}
