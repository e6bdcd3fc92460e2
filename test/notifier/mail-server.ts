import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { SMTPServer, type SMTPServerDataStream, type SMTPServerOptions, type SMTPServerSession } from 'smtp-server'

export interface ReceivedMail {
  readonly from: string
  readonly recipients: readonly string[]
  readonly messageId: string
  readonly raw: string
}

/** How the server answers; what is not given is accepted. */
export interface MailServerOptions {
  readonly port?: number
  /** SMTP reply to a RCPT TO of that address; undefined accepts it. */
  readonly onRecipient?: (address: string) => SmtpReply | undefined
  readonly onSender?: (address: string) => SmtpReply | undefined
  /** After the whole message; what it throws or waits for is what the client sees. */
  readonly onMessage?: (mail: ReceivedMail) => SmtpReply | undefined | Promise<SmtpReply | undefined>
  /** User and password that a client has to log in with. */
  readonly login?: { readonly user: string; readonly password: string }
  /** Offers STARTTLS or begins with TLS, under a certificate that nobody has a reason to trust. */
  readonly tls?: 'offered' | 'from the first byte'
}

export interface SmtpReply {
  readonly code: number
  readonly text: string
}

export interface MailServer extends AsyncDisposable {
  readonly port: number
  readonly url: string
  /** Messages answered with 250, in order. */
  readonly accepted: readonly ReceivedMail[]
  /** Connections over all, and the most at once. */
  readonly connections: number
  readonly mostAtOnce: number
  /** Times that a client said a password. */
  readonly logins: number
  /** Resolves with the time (performance.now) at which the next message was accepted. */
  next(timeoutMs: number): Promise<number>
  stop(): Promise<void>
}

/** A real SMTP server on a port of its own. */
export async function startMailServer(options: MailServerOptions = {}): Promise<MailServer> {
  const { login } = options
  const accepted: ReceivedMail[] = []
  const waiting = new Set<(timeMs: number) => void>()
  let connections = 0
  let open = 0
  let mostAtOnce = 0
  let logins = 0
  const serverOptions: SMTPServerOptions = {
    secure: options.tls === 'from the first byte',
    disabledCommands: [...(options.tls === 'offered' ? [] : ['STARTTLS']), ...(login === undefined ? ['AUTH'] : [])],
    allowInsecureAuth: true,
    authOptional: login === undefined,
    logger: false,
    closeTimeout: 100,
    onAuth(auth, _session, callback) {
      logins++
      if (auth.username === login?.user && auth.password === login?.password) callback(null, { user: auth.username })
      else callback(replyError({ code: 535, text: 'wrong password' }))
    },
    onConnect(_session, callback) {
      connections++
      open++
      mostAtOnce = Math.max(mostAtOnce, open)
      callback()
    },
    onClose() {
      open--
    },
    onMailFrom(address, _session, callback) {
      callback(replyError(options.onSender?.(address.address)))
    },
    onRcptTo(address, _session, callback) {
      callback(replyError(options.onRecipient?.(address.address)))
    },
    onData(stream, session, callback) {
      receive(stream, session).then(
        (reply) => callback(replyError(reply)),
        // The client hung up in the middle: there is nobody to answer.
        (error: Error) => callback(error),
      )
    },
  }

  async function receive(stream: SMTPServerDataStream, session: SMTPServerSession): Promise<SmtpReply | undefined> {
    const raw = await text(stream)
    const { mailFrom, rcptTo } = session.envelope
    const from = mailFrom === false || mailFrom === null || mailFrom === undefined ? '' : mailFrom.address
    const mail = { from, recipients: rcptTo.map(({ address }) => address), messageId: headerOf(raw, 'Message-ID'), raw }
    const reply = await options.onMessage?.(mail)
    if (reply === undefined) {
      accepted.push(mail)
      for (const tell of waiting) tell(performance.now())
    }
    return reply
  }

  const server = new SMTPServer(serverOptions)
  // A client that hangs up in the middle is what some tests are about.
  server.on('error', () => {})
  const listener = server.listen(options.port ?? 0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  const stop = () => new Promise<void>((resolve) => server.close(() => resolve()))
  return {
    port,
    url: `${options.tls === 'from the first byte' ? 'smtps' : 'smtp'}://127.0.0.1:${port}`,
    accepted,
    get connections() {
      return connections
    },
    get mostAtOnce() {
      return mostAtOnce
    },
    get logins() {
      return logins
    },
    next: (timeoutMs) =>
      new Promise((resolve, reject) => {
        const end = () => {
          clearTimeout(timer)
          waiting.delete(tell)
        }
        const tell = (timeMs: number) => {
          end()
          resolve(timeMs)
        }
        const timer = setTimeout(() => {
          end()
          reject(new Error(`wait for a mail failed: none in ${timeoutMs} ms`))
        }, timeoutMs)
        waiting.add(tell)
      }),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** The value of a header, unfolded (RFC 5322 2.2.3); empty where there is none. */
export function headerOf(raw: string, name: string): string {
  const [head = ''] = raw.split('\r\n\r\n', 1)
  const unfolded = head.replaceAll(/\r\n[ \t]+/g, ' ')
  const line = unfolded.split('\r\n').find((one) => one.toLowerCase().startsWith(`${name.toLowerCase()}:`))
  return line === undefined ? '' : line.slice(name.length + 1).trim()
}

function replyError(reply: SmtpReply | undefined): Error | null {
  return reply === undefined ? null : Object.assign(new Error(reply.text), { responseCode: reply.code })
}
