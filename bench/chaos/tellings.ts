import { setTimeout as delay } from 'node:timers/promises'
import {
  createPlatformApi,
  createPlatformView,
  type DeviceHistory,
  expectAlerts,
  readRules,
} from '../../firmware-sim/index.ts'
import type { MailServer } from '../../test/notifier/mail-server.ts'
import type { Platform } from '../../test/scenario/platform.ts'
import { compareTold, type ToldVerdict } from './compare-told.ts'

export const recipients = ['ops@example.com', 'night-shift@example.com'] as const

/** Settings of a platform that mails to them. */
export function mailingTo({ url }: MailServer): Readonly<Record<string, string>> {
  return {
    SMTP_URL: url,
    MAIL_FROM: 'chaos@example.com',
    ALERT_EMAIL: recipients.join(','),
    MAILS_PER_S: '1000',
  }
}

/** What was recorded and told, once all has had its time; one device alone has cause for alerts. */
export interface Tellings {
  compare(history: DeviceHistory): Promise<ToldVerdict>
}

const settleTimeoutMs = 60_000
const askAgainMs = 250

export function createTellings(platform: Platform, mails: MailServer): Tellings {
  return {
    async compare(history) {
      const api = createPlatformApi({ httpUrl: `http://127.0.0.1:${platform.httpPort}`, key: platform.adminKey })
      const view = createPlatformView(api, delay)
      await view.caughtUp()
      const rules = await readRules(api)
      let verdict = await compareNow()
      for (let waitedMs = 0; verdict.problems.length > 0 && waitedMs < settleTimeoutMs; waitedMs += askAgainMs) {
        await delay(askAgainMs)
        verdict = await compareNow()
      }
      return verdict

      async function compareNow(): Promise<ToldVerdict> {
        const fromMs = Date.now()
        // The platform tells of itself too.
        const alerts = await view.alerts((deviceId) => deviceId !== 'platform', 0)
        const expectations = expectAlerts([history], rules, { fromMs, toMs: Date.now() })
        const known = new Set(alerts.map(({ id }) => id))
        const [notifications, others] = partition(await view.mails(0), ({ alertId }) => known.has(alertId))
        const foreign = new Set(others.map(({ messageId }) => messageId))
        const delivered = mails.accepted
          .filter(({ messageId }) => !foreign.has(messageId))
          .flatMap(({ messageId, recipients }) => recipients.map((recipient) => ({ messageId, recipient })))
        return compareTold({ expectations, alerts, notifications, delivered, recipients })
      }
    },
  }
}

function partition<T>(items: readonly T[], belongs: (item: T) => boolean): [T[], T[]] {
  return [items.filter(belongs), items.filter((item) => !belongs(item))]
}
