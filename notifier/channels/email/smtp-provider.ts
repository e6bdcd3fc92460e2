import { createTransport } from 'nodemailer'
import PQueue, { TimeoutError } from 'p-queue'
import type { NotifierConfig } from '../../config.ts'
import type { MailProvider, OutgoingMail, SendOutcome } from '../../ports.ts'
import { outcomeOf, type SmtpFailure } from './outcome.ts'

export type SmtpConfig = Pick<NotifierConfig, 'from' | 'startTls' | 'connections' | 'mailsPerS' | 'timeoutMs'> & {
  readonly smtpUrl: string
}

/** Shorter than the time after which servers hang up on who is silent (RFC 5321 4.5.3.2.7: five minutes). */
const idleMs = 60_000

/**
 * Mails over a pool of connections to one SMTP server. Above `connections` at once or `mailsPerS` they wait here; the
 * caller bounds how many. Nothing is tried again here: an attempt is one conversation with the server.
 */
export function createSmtpProvider(config: SmtpConfig): MailProvider {
  const url = new URL(config.smtpUrl)
  const pool = createTransport({ pool: true, maxRequeues: 0, ...serverOf(url, config), ...limitsOf(config) })
  // A connection that fails fails the mail it carries, and says so there.
  pool.on('error', () => {})
  const queue = new PQueue({ concurrency: config.connections, interval: 1_000, intervalCap: config.mailsPerS })

  async function handOver(mail: OutgoingMail, signal: AbortSignal | undefined): Promise<SendOutcome> {
    const { response } = await pool.sendMail({
      envelope: { from: config.from.address, to: [mail.recipient] },
      raw: Buffer.from(mail.bytes.buffer, mail.bytes.byteOffset, mail.bytes.byteLength),
      signal,
    })
    return { kind: 'sent', code: replyCode(response), response }
  }

  return {
    name: `smtp ${url.host}`,
    async send(mail, signal) {
      try {
        const options = { signal, timeout: config.timeoutMs }
        return await queue.add((task) => handOver(mail, task.signal), options)
      } catch (error) {
        signal.throwIfAborted()
        if (error instanceof TimeoutError) {
          const response = `no answer within ${config.timeoutMs} ms`
          return { kind: 'temporary', reason: 'server_timed_out', code: null, response, providerDown: true }
        }
        return outcomeOf(failureOf(error))
      }
    },
    close() {
      queue.clear()
      pool.close({ force: true })
    },
  }
}

function serverOf(url: URL, { startTls }: Pick<SmtpConfig, 'startTls'>) {
  const secure = url.protocol === 'smtps:'
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const user = decodeURIComponent(url.username)
  const pass = decodeURIComponent(url.password)
  return {
    host,
    port: url.port === '' ? (secure ? 465 : 587) : Number(url.port),
    secure,
    // Whoever stands in between could take the offer of TLS out of the server's answer.
    requireTLS: !secure && !isLoopback(host) && (startTls === 'required' || user !== ''),
    ...(user !== '' && { auth: { user, pass } }),
  }
}

function limitsOf({ connections, timeoutMs }: SmtpConfig) {
  return {
    maxConnections: connections,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
    socketTimeout: Math.max(timeoutMs, idleMs * 2),
    idleTimeout: idleMs,
    socketCloseTimeout: 0,
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

function failureOf(error: unknown): SmtpFailure {
  return error instanceof Error ? error : { message: String(error) }
}

function replyCode(response: string): number | null {
  const [, digits] = /^(\d{3})/.exec(response) ?? []
  return digits === undefined ? null : Number(digits)
}
