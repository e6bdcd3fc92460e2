import { systemClock } from '../../model/index.ts'
import { openMigrator } from '../../store/state/index.ts'
import type { PlatformConfig } from '../config.ts'
import { openDataFolder } from '../data-folder.ts'
import { stateConfigOf } from '../state.ts'

export interface MigrationResult {
  readonly applied: readonly string[]
  readonly takenBack: readonly string[]
  readonly current: number
  readonly latest: number
}

/** `target` is the number to stay at, of a step down. */
export async function runMigration(
  { dataDir }: Pick<PlatformConfig, 'dataDir'>,
  step: 'status' | 'up' | 'down',
  target: number,
): Promise<MigrationResult> {
  const folder = openDataFolder(dataDir)
  const migrator = openMigrator(stateConfigOf(folder, { migrate: false }), systemClock)
  try {
    const applied = step === 'up' ? await migrator.up() : []
    const takenBack = step === 'down' ? await migrator.down(target) : []
    const { current, latest } = await migrator.status()
    return { applied, takenBack, current, latest }
  } finally {
    await migrator.close()
    folder.release()
  }
}

export function describeMigration({ applied, takenBack, current, latest }: MigrationResult): string {
  const steps = [...applied.map((name) => `applied ${name}`), ...takenBack.map((name) => `took back ${name}`)]
  return [...steps, `at migration ${current} of ${latest}`].join('\n')
}
