export { type NotifierConfig, notifierConfigSchema } from './config.ts'
export { createNotifier, type Notifier, type NotifierDeps, type NotifierStats } from './notifier.ts'
export {
  type MailProvider,
  type NotifierState,
  type OutgoingMail,
  type PermanentReason,
  permanentReasons,
  type SendOutcome,
  type TemporaryReason,
  temporaryReasons,
} from './ports.ts'
