import { createSecretKey, hkdfSync } from 'node:crypto'
import type { Clock } from '../../model/index.ts'
import { trimAudit } from './audit/trim.ts'
import { type ChangeScope, changeScope } from './change.ts'
import type { StateConfig } from './config.ts'
import { accountLinkQueries, accountLinkWrites, type LinkContext } from './repositories/account-links.ts'
import { accountQueries, accountWrites } from './repositories/accounts.ts'
import { alertWrites } from './repositories/alert-actions.ts'
import { trimAlerts } from './repositories/alert-history.ts'
import { alertLedger } from './repositories/alert-ledger.ts'
import { alertQueries } from './repositories/alerts.ts'
import { type AnswerContext, answerStore, answerWrites } from './repositories/answers.ts'
import { assetQueries, assetWrites } from './repositories/assets.ts'
import { auditQueries } from './repositories/audit.ts'
import { credentialUses } from './repositories/credential-uses.ts'
import { credentialWrites } from './repositories/credential-writes.ts'
import { type CredentialContext, credentialQueries } from './repositories/credentials.ts'
import { dataVersions } from './repositories/data-versions.ts'
import { deliveryQueue } from './repositories/deliveries.ts'
import { deviceQueries, deviceWrites } from './repositories/devices.ts'
import { dispatchLedger } from './repositories/dispatch.ts'
import { ledger } from './repositories/ledger.ts'
import { accountMailQueries, notificationQueries, notificationWrites } from './repositories/notifications.ts'
import { controlOutbox } from './repositories/outbox.ts'
import { personQueries, personWrites } from './repositories/people.ts'
import { profileQueries, profileWrites } from './repositories/profiles.ts'
import { ruleWrites } from './repositories/rule-changes.ts'
import { ruleQueries } from './repositories/rules.ts'
import { seriesRegistry } from './repositories/series.ts'
import { serviceStore } from './repositories/service.ts'
import { settingQueries, settingWrites } from './repositories/settings.ts'
import { siteQueries, siteWrites } from './repositories/sites.ts'
import type { Db } from './schema.ts'
import { createSharedCommit } from './shared-commit.ts'
import type { ChangeUnit, State } from './state.ts'

/** What an adapter opens: reads go through one, transactions through the other, so neither waits for the other. */
export interface StateConnections {
  readonly reader: Db
  readonly writer: Db
  /** After what was asked before; whoever asks later gets `closed`. */
  close(): Promise<void>
}

/** The state over any database that speaks the schema; an adapter opens the connections. */
export function createState(
  { reader, writer, close }: StateConnections,
  config: Omit<StateConfig, 'file' | 'migrate'>,
  clock: Clock,
): State {
  const now = () => clock.now()
  const linkSecret = createSecretKey(new Uint8Array(hkdfSync('sha256', config.tokenSecret, '', 'pelbiot links', 32)))
  const context: Context = { secret: createSecretKey(config.tokenSecret), linkSecret, now }
  const answers: AnswerContext = { ...context, bounds: config }
  const sinceTrim = { count: 0 }
  const commit = createSharedCommit(writer)

  return {
    sites: siteQueries(reader),
    assets: assetQueries(reader),
    profiles: profileQueries(reader),
    devices: deviceQueries(reader),
    series: seriesRegistry(reader, writer),
    credentials: credentialQueries(reader, context),
    credentialUses: credentialUses(writer),
    people: personQueries(reader),
    accounts: accountQueries(reader, now),
    links: accountLinkQueries(reader, context),
    accountTables: writer.$pickTables(),
    settings: settingQueries(reader),
    audit: auditQueries(reader),
    outbox: controlOutbox(reader, writer),
    ledger: ledger(reader, writer, config.rejectedRows),
    rules: ruleQueries(reader),
    alerts: alertQueries(reader),
    alertLedger: alertLedger(reader, writer),
    dispatch: dispatchLedger(reader, writer, now),
    deliveries: deliveryQueue(reader, writer),
    notifications: notificationQueries(reader),
    accountMails: accountMailQueries(reader, context),
    service: serviceStore(reader, writer),
    dataVersions: dataVersions(reader, writer, config.tokenSecret),
    answers: answerStore(reader, commit, answers),

    change: (actor, work) =>
      commit((tx) => {
        const unit = createUnit(changeScope(tx, now(), actor), context)
        return work({ ...unit, answers: answerWrites(tx, answers, sinceTrim) })
      }),
    trimAlerts: () => trimAlerts(writer, config.alertRows),
    trimAudit: (beforeMs) => trimAudit(writer, beforeMs, clock.now()),
    close,
  }
}

type Context = CredentialContext & LinkContext

function createUnit(scope: ChangeScope, context: Context): Omit<ChangeUnit, 'answers'> {
  const { db } = scope
  return {
    sites: { ...siteQueries(db), ...siteWrites(scope) },
    assets: { ...assetQueries(db), ...assetWrites(scope) },
    profiles: { ...profileQueries(db), ...profileWrites(scope) },
    devices: { ...deviceQueries(db), ...deviceWrites(scope) },
    credentials: { ...credentialQueries(db, context), ...credentialWrites(scope, context) },
    people: { ...personQueries(db), ...personWrites(scope) },
    accounts: { ...accountQueries(db, () => scope.nowMs), ...accountWrites(scope) },
    links: { ...accountLinkQueries(db, context), ...accountLinkWrites(scope, context) },
    settings: { ...settingQueries(db), ...settingWrites(scope) },
    rules: { ...ruleQueries(db), ...ruleWrites(scope) },
    alerts: { ...alertQueries(db), ...alertWrites(scope) },
    notifications: { ...notificationQueries(db), ...notificationWrites(scope) },
  }
}
