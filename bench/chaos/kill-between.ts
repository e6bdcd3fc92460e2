import { startMailServer } from '../../test/notifier/mail-server.ts'
import { createPlatform, type Platform } from '../../test/scenario/platform.ts'
import { waitUntil } from '../../test/setup/wait.ts'
import { type Committed, readCommitted } from './committed.ts'
import { compareStored, describeVerdict } from './compare-stored.ts'
import { crossingId, startCrossingDevice } from './crossing-device.ts'
import { announcement, type Commit, type Hold, holdVariable } from './hold/hold.ts'
import type { Kill9Result } from './kill9.ts'
import { createLedger } from './ledger.ts'
import { createTellings, mailingTo, recipients } from './tellings.ts'

export interface KillBetweenOptions {
  /** Kills; the moments take turns. */
  readonly runs: number
  say(line: string): void
}

/** Where the process is when it is killed: one store has the reading that crosses a limit, the other has not. */
interface Moment {
  readonly name: string
  readonly first: Commit
  readonly hold: Omit<Hold, 'value'>
  /** Whether everybody has the mail by then. */
  readonly mailed: boolean
}

const moments: readonly Moment[] = [
  {
    name: 'the reading is stored, the alert is not',
    first: 'readings',
    hold: { readings: 'after', transitions: 'before' },
    mailed: false,
  },
  {
    name: 'the alert is stored and nobody told, the reading is not',
    first: 'transitions',
    hold: { readings: 'before', transitions: 'after' },
    mailed: false,
  },
  {
    name: 'the alert is stored and mailed, the reading is not',
    first: 'transitions',
    hold: { readings: 'before' },
    mailed: true,
  },
]
/** Beyond the critical limit of a single phase, and well within it. */
const voltage = { crossing: 268, normal: 230 }
const headStartMs = 3_600_000
const preload = new URL('./hold/preload.ts', import.meta.url).href

/**
 * Kills the platform between the two commits that a crossing makes, with nothing left to chance, and starts it again as
 * usual: the alert and its mails must be there without another reading, and once.
 */
export async function runKillBetween({ runs, say }: KillBetweenOptions): Promise<Kill9Result> {
  const ledger = createLedger()
  const problems: string[] = []
  await using mails = await startMailServer()
  await using platform = createPlatform({ env: mailingTo(mails) })
  await platform.start()
  const tellings = createTellings(platform, mails)
  const device = await startCrossingDevice(platform, ledger, Date.now() - headStartMs)
  const mailsAbout = () => mails.accepted.filter(({ raw }) => raw.includes(crossingId)).length

  async function publish(value: number): Promise<void> {
    device.publish(value)
    await waitUntil(`${value} to be acknowledged`, device.settled, { timeoutMs: 60_000 })
  }

  try {
    await publish(voltage.normal)
    for (let run = 1; run <= runs; run++) {
      const moment = moments[(run - 1) % moments.length]
      if (moment === undefined) break
      const tell = (problem: string) => problems.push(`run ${run}, ${moment.name}: ${problem}`)
      // Each is known by its value.
      const value = voltage.crossing + run / 1_000
      // What it remembers of before is in a snapshot then, and the start after the kill has only the crossing to go by.
      await platform.stop()
      const hold: Hold = { ...moment.hold, value }
      // From its sources, for the preload stands in for some of them.
      const env = { [holdVariable]: JSON.stringify(hold), PELBIOT_SOURCES: '1' }
      await platform.start({ nodeArgs: ['--import', preload], env })
      const mailsBefore = mailsAbout()
      await publish(value)
      await untilBetween(platform, moment.first, value)
      if (moment.mailed) await waitUntil('the mails', () => mailsAbout() >= mailsBefore + recipients.length)
      await platform.kill()
      const committed = await readCommitted(platform.dataDir)
      if (!isBetween(committed, moment.first)) tell(`it was not killed there: ${JSON.stringify(committed)}`)

      await platform.start()
      for (const problem of (await tellings.compare(device.history)).problems) tell(problem)
      await publish(voltage.normal)
      // So that the mails that come next are those about the next crossing.
      for (const problem of (await tellings.compare(device.history)).problems) tell(problem)
      say(
        `run ${run} of ${runs}, ${moment.name}: readings up to ${committed.readings}, alerts to ${committed.transitions}`,
      )
    }
    const verdict = await compareStored(platform, ledger)
    problems.push(...describeVerdict(verdict))
    const { problems: wrong, ...told } = await tellings.compare(device.history)
    problems.push(...wrong)
    return { runs, acked: verdict.acked, lost: verdict.lost.length, doubled: verdict.doubled.length, ...told, problems }
  } catch (error) {
    throw new Error(`chaos kill-between failed; the platform's last words:\n${platform.log().slice(-4_000)}`, {
      cause: error,
    })
  } finally {
    await device.close()
  }
}

/** One of the commits is done, the other has come as far as it will. */
async function untilBetween(platform: Platform, first: Commit, value: number): Promise<void> {
  const second = first === 'readings' ? 'transitions' : 'readings'
  const lines = [announcement(first, 'done', value), announcement(second, 'held', value)]
  await waitUntil(lines.join(' and '), () => lines.every((line) => platform.log().includes(line)))
}

function isBetween({ readings, transitions }: Committed, first: Commit): boolean {
  return first === 'readings' ? readings > transitions : transitions > readings
}
