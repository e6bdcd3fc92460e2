import { join } from 'node:path'
import { createSeriesNames } from '../../ingest/index.ts'
import { AppError, systemClock } from '../../model/index.ts'
import type { SeriesInfo } from '../../store/readings/index.ts'
import { openState, type State } from '../../store/state/index.ts'
import { logIdSetting } from '../claim-log.ts'
import type { PlatformConfig } from '../config.ts'
import { openDataFolder } from '../data-folder.ts'
import { createProgress } from '../demo/progress.ts'
import { createLogger } from '../logging.ts'
import type { ReadingStoreName } from '../reading-stores.ts'
import { type CopyResult, copyReadings } from '../readings-copy/copy.ts'
import { createProgressFile } from '../readings-copy/progress-file.ts'
import { openableReadings } from '../readings-store.ts'
import { stateConfigOf } from '../state.ts'

export interface CopyOptions {
  readonly from: ReadingStoreName
  readonly to: ReadingStoreName
}

/** Under the folder's lock: a platform that runs would go on writing into one of the two. */
export async function copyBetweenStores(config: PlatformConfig, { from, to }: CopyOptions): Promise<CopyResult> {
  const fields: { field: string; message: string }[] = []
  if (from === to) fields.push({ field: '--to', message: 'is the store to copy from' })
  if (config.influxdb === undefined)
    fields.push({ field: 'INFLUX_URL', message: 'is missing: it says where InfluxDB is' })
  if (fields.length > 0) throw new AppError('invalid_input', `copy readings from ${from} to ${to} failed`, { fields })

  const folder = openDataFolder(config.dataDir)
  try {
    const logger = createLogger('warn', 'readings copy')
    const state = await openState(stateConfigOf(folder, { migrate: true }), { clock: systemClock, logger })
    try {
      const logId = await state.settings.get(logIdSetting)
      if (logId === undefined)
        throw new AppError('invalid_input', `copy readings failed: no platform has ever run on ${config.dataDir}`)
      const catalog = createSeriesNames(state.series)
      await catalog.load()
      const open = (name: ReadingStoreName) =>
        openableReadings(
          { ...config, influxdb: name === 'influxdb' ? config.influxdb : undefined },
          { readingsFile: folder.readingsFile, catalog, logId, logger },
        )
      const stores = { from: open(from), to: open(to) }
      const { url, database, bucket } = config.influxdb ?? {}
      const influx = `${url} ${database ?? bucket ?? ''}`
      const nameOf = (name: ReadingStoreName) => (name === 'influxdb' ? influx : name)
      const progress = createProgressFile(join(folder.path, 'readings-copy.json'), {
        from: nameOf(from),
        to: nameOf(to),
      })
      try {
        return await copyReadings({
          ...stores,
          logId,
          progress,
          series: await allSeries(state),
          onCounted: createProgress('counting series', process.stderr),
          onCopied: createProgress('copying readings', process.stderr),
          onVerified: createProgress('comparing series', process.stderr),
        })
      } finally {
        await stores.to.close()
        await stores.from.close()
      }
    } finally {
      await state.close()
    }
  } finally {
    folder.release()
  }
}

async function allSeries(state: State): Promise<readonly SeriesInfo[]> {
  const all: SeriesInfo[] = []
  for (let after: number | null | undefined; after !== null; ) {
    const page = await state.series.list({ limit: 10_000, after: after ?? undefined })
    all.push(...page.items)
    after = page.next
  }
  return all
}

export function describeCopy({ series, readings, refused, refusal, differences }: CopyResult): string {
  const lines = [`${readings} readings of ${series} series copied`]
  if (refused > 0) lines.push(`${refused} were refused: ${refusal}`)
  if (differences.length === 0) lines.push('counts and sums are the same in both')
  else lines.push('not the same in both:', ...differences.map((difference) => `  ${difference}`))
  return lines.join('\n')
}
