import { hkdfSync } from 'node:crypto'
import { type StateConfig, stateConfigSchema } from '../store/state/index.ts'
import type { DataFolder } from './data-folder.ts'

export function stateConfigOf(
  folder: Pick<DataFolder, 'stateFile' | 'secret'>,
  use: { migrate: boolean },
): StateConfig {
  return { ...stateConfigSchema.parse({}), file: folder.stateFile, tokenSecret: folder.secret, migrate: use.migrate }
}

/** The key of what signs people's sessions: another one for each purpose, all from the folder's secret. */
export function accountSecretOf({ tokenSecret }: Pick<StateConfig, 'tokenSecret'>): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', tokenSecret, '', 'pelbiot sessions', 32))
}
