import { expectAlerts } from '../truth/expectations.ts'
import type { DeviceHistory } from '../truth/history.ts'
import type { ForetoldRule } from '../truth/rule.ts'
import { type AlertsVerdict, compareAlerts } from './alerts.ts'
import { compareMails, type MailsVerdict } from './mails.ts'
import { compareReadings } from './readings.ts'
import { compareRejections } from './rejections.ts'
import type { PlatformView } from './seen.ts'

/** What was sent against what the platform has; readings are counted, not messages. */
export interface Verdict {
  readonly sent: number
  readonly acked: number
  readonly stored: number
  readonly lost: number
  readonly doubled: number
  readonly alertsExpected: number
  readonly alertsSeen: number
  readonly alertsWrong: number
  readonly mailsExpected: number
  readonly mailsSeen: number
}

export interface VerifyResult {
  readonly verdict: Verdict
  /** Everything that is not as it should be, in words; empty when all is well. */
  readonly problems: readonly string[]
}

export interface Run {
  readonly devices: readonly DeviceHistory[]
  readonly rules: readonly ForetoldRule[]
  /** Addresses that are told of every step of every alert. */
  readonly recipients: readonly string[]
  /** Epoch ms; what began before it is not this run's. */
  readonly fromMs: number
}

/** A mail needs its time, and a full outbox too; then what is missing is missing. */
const settleTimeoutMs = 90_000
const askAgainMs = 500
const comparedAtOnce = 8

/** Compares a run that is over with what came of it, once the platform has caught up. */
export async function verifyRun(
  run: Run,
  view: PlatformView,
  wait: (ms: number) => Promise<unknown>,
): Promise<VerifyResult> {
  await view.caughtUp()
  const readings = await compareAllReadings(run.devices, view)
  let told = await compareTold(run, view)
  for (let waitedMs = 0; told.problems.length > 0 && waitedMs < settleTimeoutMs; waitedMs += askAgainMs) {
    await wait(askAgainMs)
    told = await compareTold(run, view)
  }
  const { alerts, mails } = told
  return {
    verdict: {
      ...readings.counts,
      alertsExpected: alerts.expected,
      alertsSeen: alerts.seen,
      alertsWrong: alerts.wrong,
      mailsExpected: mails.expected,
      mailsSeen: mails.seen,
    },
    problems: [...readings.problems, ...told.problems],
  }
}

async function compareAllReadings(devices: readonly DeviceHistory[], view: PlatformView) {
  const counts = { sent: 0, acked: 0, stored: 0, lost: 0, doubled: 0 }
  const problems: string[] = []
  for (let i = 0; i < devices.length; i += comparedAtOnce) {
    const some = devices.slice(i, i + comparedAtOnce)
    const verdicts = await Promise.all(
      some.map((device) => compareReadings(device, (metric) => view.readings(device.deviceId, metric))),
    )
    for (const verdict of verdicts) {
      counts.sent += verdict.sent
      counts.acked += verdict.acked
      counts.stored += verdict.stored
      counts.lost += verdict.lost
      counts.doubled += verdict.doubled
      problems.push(...verdict.problems)
    }
    const rejections = await Promise.all(
      some.map(async (device) => compareRejections(device, await view.rejections(device.deviceId))),
    )
    problems.push(...rejections.flat())
  }
  return { counts, problems }
}

interface Told {
  readonly alerts: AlertsVerdict
  readonly mails: MailsVerdict
  readonly problems: readonly string[]
}

async function compareTold({ devices, rules, recipients, fromMs }: Run, view: PlatformView): Promise<Told> {
  const askedMs = Date.now()
  const ids = new Set(devices.map(({ deviceId }) => deviceId))
  const seen = await view.alerts((deviceId) => ids.has(deviceId), fromMs)
  const alerts = compareAlerts(expectAlerts(devices, rules, { fromMs: askedMs, toMs: Date.now() }), seen)
  const known = new Set(seen.map(({ id }) => id))
  const ours = (await view.mails(fromMs)).filter(({ alertId }) => known.has(alertId))
  const mails = compareMails(seen, alerts.stepsExpected, ours, recipients)
  return { alerts, mails, problems: [...alerts.problems, ...mails.problems] }
}
