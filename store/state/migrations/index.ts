import { first } from './0001-first.ts'
import { alerts } from './0002-alerts.ts'
import { auditChain } from './0003-audit-chain.ts'
import { service } from './0004-service.ts'
import { secrets } from './0005-secrets.ts'
import { quarantine } from './0006-quarantine.ts'
import { accounts } from './0007-accounts.ts'
import { accountMails } from './0008-account-mails.ts'
import { keptAnswers } from './0009-kept-answers.ts'
import { revokedCertificates } from './0010-revoked-certificates.ts'
import { dataVersions } from './0011-data-versions.ts'
import type { Migration } from './migration.ts'

/** In order, for ever: a migration that was released is never changed, only followed. Number n is at index n - 1. */
export const migrations: readonly Migration[] = [
  first,
  alerts,
  auditChain,
  service,
  secrets,
  quarantine,
  accounts,
  accountMails,
  keptAnswers,
  revokedCertificates,
  dataVersions,
]
