import { type SessionConfig, sessionConfigSchema } from '../config.ts'
import { createMqttSessions, type MqttSessions } from '../mqtt-sessions.ts'
import { createLmdbSessionStore } from './lmdb-session-store.ts'

export interface LmdbSessionsOptions {
  /** A folder of its own. */
  readonly folder: string
  readonly config?: SessionConfig
}

/** The embedded sessions; `open` before use. */
export function createLmdbSessions({ folder, config }: LmdbSessionsOptions): MqttSessions {
  return createMqttSessions(createLmdbSessionStore(folder), config ?? sessionConfigSchema.parse({}))
}
