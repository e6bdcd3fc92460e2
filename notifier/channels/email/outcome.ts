import type { PermanentReason, SendOutcome, TemporaryReason } from '../../ports.ts'

/** What nodemailer tells of a failure, beside its message. */
export interface SmtpFailure {
  readonly code?: string | undefined
  /** The command that was answered, or under way. */
  readonly command?: string | undefined
  readonly responseCode?: number | undefined
  readonly response?: string | undefined
  readonly message: string
}

/** Kept with each attempt; a server may say as much as it likes. */
const longestResponse = 500
/** Before any mail is named: what fails here says nothing about this one. */
const sessionCommands = /^(CONN|EHLO|HELO|LHLO|STARTTLS|AUTH|API)/
const loginCodes: ReadonlySet<string> = new Set(['EAUTH', 'ENOAUTH', 'EOAUTH2'])
/** 530: log in first. 503: bad sequence. 421: the server leaves. They are about the session, whatever the command. */
const sessionReplies: ReadonlySet<number> = new Set([421, 503, 530])

/**
 * What a failure means for this mail and for the others (RFC 5321 4.2.1: 4yz may pass, 5yz will not). A 5yz to greeting,
 * login or encryption is no verdict on the mail: it stays queued until the settings or the server are put right.
 */
export function outcomeOf(failure: SmtpFailure): SendOutcome {
  const { code = '', command = '', responseCode } = failure
  const said = { code: responseCode ?? null, response: (failure.response ?? failure.message).slice(0, longestResponse) }
  const temporary = (reason: TemporaryReason, providerDown: boolean): SendOutcome => {
    return { kind: 'temporary', reason, providerDown, ...said }
  }

  if (loginCodes.has(code) || command.startsWith('AUTH')) return temporary('login_refused', true)
  if (responseCode !== undefined && responseCode >= 400) {
    if (sessionCommands.test(command) || sessionReplies.has(responseCode)) return temporary('server_refused', true)
    if (responseCode < 500) return temporary('refused_for_now', false)
    return { kind: 'permanent', reason: refusedPart(command), ...said }
  }
  if (code === 'EENVELOPE') return { kind: 'permanent', reason: 'address_invalid', ...said }
  if (code === 'ETIMEDOUT') return temporary('server_timed_out', true)
  return sessionCommands.test(command) || code === 'EDNS' || code === 'ETLS'
    ? temporary('server_unreachable', true)
    : temporary('connection_lost', false)
}

/** Which part of the mail a 5yz reply is about. */
function refusedPart(command: string): PermanentReason {
  if (command.startsWith('RCPT')) return 'recipient_refused'
  return command.startsWith('MAIL') ? 'sender_refused' : 'message_refused'
}
