import type { Logger } from 'pino'
import type { Clock } from '../model/index.ts'
import type { NotificationRecord } from '../store/state/index.ts'
import { createSmtpProvider } from './channels/email/smtp-provider.ts'
import { createEmlFolder } from './channels/eml/eml-folder.ts'
import type { NotifierConfig } from './config.ts'
import { createDelivery, type DeliveryStats } from './deliver.ts'
import { renderAccountMessage, renderMessage } from './message.ts'
import type { MailProvider, NotifierState } from './ports.ts'
import type { Random } from './retry.ts'

/** So that the next mail is rendered and kept while the provider still talks about the last. */
const slotsPerConnection = 2

export interface NotifierDeps {
  readonly state: NotifierState
  /** Where mails land without an SMTP server; made when the first one does. */
  readonly emlFolder: string
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** A notification was handed over at that time, or given up, and that is recorded. */
  onDone(notification: NotificationRecord, outcome: 'sent' | 'failed', nowMs: number): void
}

export type NotifierStats = DeliveryStats & { readonly provider: string }

export interface Notifier {
  start(): void
  /** Bounded by `stopTimeoutMs`; what is not delivered stays queued. */
  stop(): Promise<void>
  /** Notifications were queued: look now. */
  wake(): void
  stats(): NotifierStats
}

export function createNotifier(config: NotifierConfig, deps: NotifierDeps): Notifier {
  const provider = createProvider(config, deps.emlFolder)
  const delivery = createDelivery(
    { ...config, slots: config.connections * slotsPerConnection },
    {
      ...deps,
      provider,
      render: {
        alert: (due, about) => renderMessage(config, due, about),
        account: (due, about) => renderAccountMessage(config, due, about),
      },
    },
  )
  return {
    start: delivery.start,
    async stop() {
      await delivery.stop()
      provider.close()
    },
    wake: delivery.wake,
    stats: () => ({ ...delivery.stats(), provider: provider.name }),
  }
}

function createProvider(config: NotifierConfig, emlFolder: string): MailProvider {
  const { smtpUrl, emlFiles } = config
  if (smtpUrl !== undefined) return createSmtpProvider({ ...config, smtpUrl })
  return createEmlFolder({ folder: emlFolder, maxFiles: emlFiles })
}
