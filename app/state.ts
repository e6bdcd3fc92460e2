import { type StateConfig, stateConfigSchema } from '../store/state/index.ts'
import type { DataFolder } from './data-folder.ts'

export function stateConfigOf(
  folder: Pick<DataFolder, 'stateFile' | 'secret'>,
  use: { migrate: boolean },
): StateConfig {
  return { ...stateConfigSchema.parse({}), file: folder.stateFile, tokenSecret: folder.secret, migrate: use.migrate }
}
