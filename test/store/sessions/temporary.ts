import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import {
  createLmdbSessions,
  type MqttSessions,
  type SessionConfig,
  sessionConfigSchema,
} from '../../../store/sessions/index.ts'

/** A folder that goes with the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pelbiot-sessions-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export interface TemporarySessions {
  readonly folder: string
  readonly config?: Partial<SessionConfig>
}

/** Open sessions that are closed with the test, unless it has closed them before. */
export async function openSessions({ folder, config }: TemporarySessions): Promise<MqttSessions> {
  const sessions = createLmdbSessions({ folder, config: { ...sessionConfigSchema.parse({}), ...config } })
  await sessions.open()
  onTestFinished(() => sessions.close())
  return sessions
}
