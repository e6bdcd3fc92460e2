import type { Platform } from '../../test/scenario/platform.ts'
import { waitUntil } from '../../test/setup/wait.ts'
import { compareReadings, type StoredReading, type Verdict } from './compare.ts'
import type { Ledger, SentReading } from './ledger.ts'

const storeTimeoutMs = 30_000

/**
 * All is acknowledged and stored: then one more kill, so that what is read back is what a replay leaves, and neither
 * what was in memory.
 */
export async function compareStored(platform: Platform, { readings }: Ledger): Promise<Verdict> {
  await untilStored(platform, readings.length)
  await platform.kill()
  await platform.start()
  await untilStored(platform, readings.length)
  return compareReadings(readings, await readStored(platform, readings))
}

/** Whether all of it arrived is for the comparison to say. */
async function untilStored({ client }: Platform, expected: number): Promise<void> {
  const arrived = async () => {
    const { readings, log, ingest } = await client.status()
    // A store that does not count has everything once ingest is where the log ends.
    const isThere = readings.readings === null ? ingest.position === log.durable : readings.readings >= expected
    return isThere && log.durable === log.head
  }
  await waitUntil('the readings to be stored', arrived, { timeoutMs: storeTimeoutMs, everyMs: 50 }).catch(() => {})
}

async function readStored({ client }: Platform, sent: readonly SentReading[]): Promise<StoredReading[]> {
  const stored: StoredReading[] = []
  for (const series of new Set(sent.map(({ deviceId, metric }) => `${deviceId} ${metric}`))) {
    const [deviceId = '', metric = ''] = series.split(' ')
    for await (const { time, value } of client.readings(deviceId, metric)) {
      stored.push({ deviceId, metric, timeMs: Date.parse(time), value })
    }
  }
  return stored
}

/** What is not as it should be, in words. */
export function describeVerdict({ lost, doubled, foreign }: Verdict): string[] {
  const lines: string[] = []
  const tell = (what: string, readings: readonly unknown[]) => {
    if (readings.length === 0) return
    lines.push(
      `${readings.length} readings ${what}, for instance ${readings.slice(0, 3).map((r) => JSON.stringify(r))}`,
    )
  }
  tell('acknowledged and lost', lost)
  tell('stored twice', doubled)
  tell('stored and never sent so', foreign)
  return lines
}
