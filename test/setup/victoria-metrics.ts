import { startChild } from './child.ts'
import { freePort } from './free-port.ts'
import { makeTempFolder } from './temp-folder.ts'
import { findTool } from './tools.ts'
import { waitUntil } from './wait.ts'

export interface VictoriaMetrics extends AsyncDisposable {
  readonly url: string
  /** Values and times of a metric, `{measurement}_{field}`, by its other labels; as soon as they can be seen. */
  values(metric: string): Promise<readonly Exported[]>
}

export interface Exported {
  readonly metric: Readonly<Record<string, string>>
  readonly values: readonly number[]
  readonly timestamps: readonly number[]
}

/** Takes what InfluxDB 2.x takes on `/api/v2/write`. On a free loopback port and in a temporary folder. */
export async function startVictoriaMetrics(): Promise<VictoriaMetrics> {
  const binary = findTool('victoria-metrics')
  if (binary === undefined) throw new Error('start victoria-metrics failed: not installed')
  const folder = makeTempFolder('victoria-metrics')
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const child = startChild(binary, [
    `-storageDataPath=${folder.path}`,
    `-httpListenAddr=127.0.0.1:${port}`,
    '-retentionPeriod=10y',
    '-search.latencyOffset=0s',
    '-dedup.minScrapeInterval=1ms',
    '-loggerLevel=ERROR',
  ])
  const dispose = async () => {
    await child.kill('SIGKILL')
    folder.remove()
  }
  try {
    await waitUntil('victoria-metrics to answer', async () => {
      if (!child.running) throw new Error(`victoria-metrics ended: ${child.output()}`)
      return (await fetch(`${url}/ping`)).ok
    })
  } catch (error) {
    await dispose()
    throw error
  }
  return {
    url,
    async values(metric) {
      await fetch(`${url}/internal/force_flush`)
      const response = await fetch(
        `${url}/api/v1/export?${new URLSearchParams({ 'match[]': `{__name__="${metric}"}` })}`,
      )
      const lines = (await response.text()).split('\n').filter((line) => line !== '')
      return lines.map((line) => JSON.parse(line) as Exported)
    },
    [Symbol.asyncDispose]: dispose,
  }
}
