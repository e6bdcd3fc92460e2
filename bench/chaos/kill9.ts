import { setTimeout as delay } from 'node:timers/promises'
import { createRandom } from '../../firmware-sim/index.ts'
import { startMailServer } from '../../test/notifier/mail-server.ts'
import { createPlatform } from '../../test/scenario/platform.ts'
import { waitUntil } from '../../test/setup/wait.ts'
import { influxEnv } from '../influx.ts'
import { type ChaosClient, queuedDevice, startClients } from './clients.ts'
import { compareStored, describeVerdict } from './compare-stored.ts'
import type { ToldVerdict } from './compare-told.ts'
import { createLedger, type SentReading } from './ledger.ts'
import { createOfflineSubscriber } from './offline-subscriber.ts'
import { readRetained } from './retained.ts'
import { createTellings, mailingTo } from './tellings.ts'

export interface Kill9Options {
  readonly runs: number
  /** Decides the moments of the kills. */
  readonly seed: number
  say(line: string): void
}

export interface Kill9Result extends Omit<ToldVerdict, 'problems'> {
  readonly runs: number
  /** Readings with an acknowledgement. */
  readonly acked: number
  /** Acknowledged and gone: readings, retained messages, queued messages. */
  readonly lost: number
  readonly doubled: number
  /** Everything that is not as it should be, in words; empty when all is well. */
  readonly problems: readonly string[]
}

const killAfterMs = { least: 20, more: 900 }
/** One run in four is also killed while it recovers from the kill before. */
const killDuringStart = { share: 0.25, leastMs: 50, moreMs: 600 }
/** A mail server that takes its time is more often interrupted by a crash. */
const mostAnswerMs = 20
const problemsTold = 20
/** On a busy machine a run may take so long that the bound for one session, which drops what is newest, is reached. */
const roomForQueue = { MQTT_MAX_QUEUED_MESSAGES: '100000' }
const progressTimeoutMs = 60_000

/** Kills the platform again and again under load, on one data folder, and compares what it kept with what was sent. */
export async function runKill9({ runs, seed, say }: Kill9Options): Promise<Kill9Result> {
  const random = createRandom(seed)
  const ledger = createLedger()
  const problems: string[] = []
  await using mails = await startMailServer({ onMessage: () => answerLate(random) })
  await using platform = createPlatform({ env: { ...mailingTo(mails), ...roomForQueue, ...influxEnv() } })
  await platform.start()
  const tellings = createTellings(platform, mails)
  const { clients, retained, crossing } = await startClients(platform, { ledger, random })
  try {
    const key = await platform.client.createKey('chaos')
    const access = { port: platform.mqttPort, username: `key:${key.id}`, password: key.key }
    const subscriber = createOfflineSubscriber(access, `pel/v1/${queuedDevice}/telemetry`)
    await subscriber.begin()
    const queuedFrom = ledger.readings.length
    let lost = 0
    /** Queued messages that never came: each is told, and waited for, once. */
    const missed = new Set<SentReading>()

    for (let run = 1; run <= runs; run++) {
      await everyoneProgresses(clients)
      await delay(killAfterMs.least + random() * killAfterMs.more)
      await platform.kill()
      const lastRetained = retained.lastAcked
      const queued = ledger.readings
        .slice(queuedFrom)
        .filter(({ deviceId, acked, metric }) => acked && deviceId === queuedDevice && metric === 'energy')
        .filter((reading) => !missed.has(reading))
      if (random() < killDuringStart.share) {
        platform.launch()
        await delay(killDuringStart.leastMs + random() * killDuringStart.moreMs)
        await platform.kill()
      }
      await platform.start()

      const serial = await readRetained(access, retained.topic)
      if (serial === undefined || serial < lastRetained || serial > retained.lastSent) {
        lost++
        problems.push(`run ${run}: retained message ${serial}, acknowledged ${lastRetained}, sent ${retained.lastSent}`)
      }
      const missing = await subscriber.collect(queued)
      lost += missing.length
      for (const reading of missing) missed.add(reading)
      if (missing.length > 0)
        problems.push(
          `run ${run}: ${missing.length} of ${queued.length} queued messages never came, for instance ts ${missing[0]?.timeMs}`,
        )
      say(`run ${run} of ${runs}: ${ledger.readings.length} readings sent, ${queued.length} queued and collected`)
    }

    await everyoneProgresses(clients)
    await Promise.all(clients.map((client) => withinTime(client.finish(), `${client.name} to finish`)))
    const verdict = await compareStored(platform, ledger)
    problems.push(...describeVerdict(verdict))
    lost += verdict.lost.length
    const { problems: wrong, ...told } = await tellings.compare(crossing.history)
    problems.push(...wrong.slice(0, problemsTold))
    return { runs, acked: verdict.acked, lost, doubled: verdict.doubled.length, ...told, problems }
  } catch (error) {
    throw new Error(`chaos kill9 failed; the platform's last words:\n${platform.log().slice(-4_000)}`, { cause: error })
  } finally {
    await Promise.all(clients.map((client) => client.close()))
  }
}

async function answerLate(random: () => number): Promise<undefined> {
  await delay(random() * mostAnswerMs)
}

/** A crash must be survived by everyone: each client has something acknowledged after it. */
async function everyoneProgresses(clients: readonly ChaosClient[]): Promise<void> {
  await Promise.all(
    clients.map((client) => {
      const before = client.acked
      return waitUntil(`${client.name} to be acknowledged`, () => client.acked > before, {
        timeoutMs: progressTimeoutMs,
      })
    }),
  )
}

function withinTime<T>(work: Promise<T>, what: string): Promise<T> {
  const overdue = delay(progressTimeoutMs, undefined, { ref: false }).then(() => {
    throw new Error(`wait for ${what} failed: not within ${progressTimeoutMs} ms`)
  })
  return Promise.race([work, overdue])
}
