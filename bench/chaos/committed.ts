import { copyFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { openDataFolder } from '../../app/data-folder.ts'
import { stateConfigOf } from '../../app/state.ts'
import { createSeriesNames } from '../../ingest/index.ts'
import { systemClock } from '../../model/index.ts'
import { createDuckdbReadings, duckdbReadingsConfigSchema } from '../../store/readings/index.ts'
import { openState } from '../../store/state/index.ts'
import { makeTempFolder } from '../../test/setup/temp-folder.ts'

/** How far of the log a platform that is not running has committed what it makes of it. */
export interface Committed {
  readonly readings: number
  readonly transitions: number
}

/** Reads a copy: opening the stores recovers them, and that is for the platform to do. */
export async function readCommitted(dataDir: string): Promise<Committed> {
  using copy = makeTempFolder('chaos-copy')
  for (const name of readdirSync(dataDir))
    if (/^(state\.sqlite|readings\.duckdb|secret\.key)/.test(name))
      copyFileSync(join(dataDir, name), join(copy.path, name))
  const folder = openDataFolder(copy.path)
  const logger = pino({ level: 'silent' })
  try {
    const state = await openState(stateConfigOf(folder, { migrate: false }), { clock: systemClock, logger })
    const catalog = createSeriesNames(state.series)
    await catalog.load()
    const config = duckdbReadingsConfigSchema.parse({ path: folder.readingsFile })
    const store = createDuckdbReadings(config, { catalog, logId: '', logger })
    try {
      const { position: readings } = await store.open()
      return { readings, transitions: await state.alertLedger.position() }
    } finally {
      await store.close()
      await state.close()
    }
  } finally {
    folder.release()
  }
}
