import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { createSmtpProvider, type SmtpConfig } from '../../notifier/channels/email/smtp-provider.ts'
import type { MailProvider, OutgoingMail } from '../../notifier/index.ts'
import { waitUntil } from '../setup/wait.ts'
import { type MailServer, type MailServerOptions, startMailServer } from './mail-server.ts'

const never = new AbortController().signal
const ends: (() => Promise<unknown> | unknown)[] = []

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function startServer(options: MailServerOptions = {}): Promise<MailServer> {
  const server = await startMailServer(options)
  ends.push(() => server.stop())
  return server
}

function createProvider(smtpUrl: string, more: Partial<SmtpConfig> = {}): MailProvider {
  const from = { name: 'Site', address: 'site@example.com' }
  const fixed = { from, startTls: 'required', connections: 2, mailsPerS: 1_000, timeoutMs: 20_000 } as const
  const provider = createSmtpProvider({ smtpUrl, ...fixed, ...more })
  ends.push(() => provider.close())
  return provider
}

/** A server that accepts connections and does with them what it is told, for instance nothing. */
async function startSocketServer(onConnection: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    onConnection(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  ends.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function mail(n = 1, recipient = 'ops@example.com'): OutgoingMail {
  const messageId = `<n${n}@example.com>`
  const bytes = Buffer.from(`Message-ID: ${messageId}\r\nSubject: mail ${n}\r\n\r\n.A line that begins with a dot\r\n`)
  return { recipient, messageId, bytes, createdMs: 1_795_000_000_000 }
}

describe('the SMTP provider', () => {
  test('hands over the bytes as they are, from the sender, to the one recipient', async () => {
    const server = await startServer()
    const outcome = await createProvider(server.url).send(mail(7), never)
    expect(outcome).toMatchObject({ kind: 'sent', code: 250 })
    expect(server.accepted).toMatchObject([{ from: 'site@example.com', recipients: ['ops@example.com'] }])
    expect(server.accepted[0]?.raw).toBe(Buffer.from(mail(7).bytes).toString())
  })

  test('logs in with what the URL says, written with percent signs where it must be', async () => {
    const server = await startServer({ login: { user: 'ops@site', password: 'p:/ä' } })
    const url = `smtp://${encodeURIComponent('ops@site')}:${encodeURIComponent('p:/ä')}@127.0.0.1:${server.port}`
    expect(await createProvider(url).send(mail(), never)).toMatchObject({ kind: 'sent' })
  })

  test('names itself without the password', async () => {
    expect(createProvider('smtp://user:secret@mail.example.com:2525').name).toBe('smtp mail.example.com:2525')
  })

  test('a wrong password says nothing about the mail', async () => {
    const server = await startServer({ login: { user: 'ops', password: 'right' } })
    const provider = createProvider(`smtp://ops:wrong@127.0.0.1:${server.port}`)
    const outcome = await provider.send(mail(), never)
    expect(outcome).toMatchObject({ kind: 'temporary', reason: 'login_refused', providerDown: true, code: 535 })
  })

  test('a password does not cross a network in the clear', async () => {
    const server = await startServer({ login: { user: 'ops', password: 'right' } })
    const inTheClear = createProvider(`smtp://ops:right@0.0.0.0:${server.port}`)
    const outcome = await inTheClear.send(mail(), never)
    expect(outcome).toMatchObject({ kind: 'temporary', providerDown: true })
    expect(server.logins).toBe(0)
  })

  test('a mail does not leave the machine in the clear, unless the operator says that it may', async () => {
    const server = await startServer()
    const url = `smtp://0.0.0.0:${server.port}`
    const outcome = await createProvider(url).send(mail(1), never)
    expect(outcome).toMatchObject({ kind: 'temporary', reason: 'server_refused', providerDown: true })
    expect(server.accepted).toEqual([])
    expect(await createProvider(url, { startTls: 'offered' }).send(mail(2), never)).toMatchObject({ kind: 'sent' })
  })

  test.for(['required', 'offered'] as const)(
    'a server whose certificate nobody vouches for gets no mail, nor gets it in the clear (STARTTLS %s)',
    async (startTls) => {
      const server = await startServer({ tls: 'offered', login: { user: 'ops', password: 'right' } })
      const outcome = await createProvider(`smtp://ops:right@0.0.0.0:${server.port}`, { startTls }).send(mail(), never)
      expect(outcome).toMatchObject({ kind: 'temporary', providerDown: true })
      expect(outcome.response).toMatch(/self.signed|certificate/i)
      expect([server.accepted, server.logins]).toEqual([[], 0])
    },
  )

  test('a server whose certificate nobody vouches for gets none over smtps either', async () => {
    const server = await startServer({ tls: 'from the first byte' })
    const outcome = await createProvider(server.url).send(mail(), never)
    expect(outcome).toMatchObject({ kind: 'temporary', providerDown: true })
    expect(server.accepted).toEqual([])
  })

  test('a server that is down is a provider that is down', async () => {
    const server = await startServer()
    await server.stop()
    const outcome = await createProvider(server.url).send(mail(), never)
    expect(outcome).toMatchObject({ kind: 'temporary', reason: 'server_unreachable', providerDown: true, code: null })
  })

  test('a greeting that never comes ends after the time-out', async () => {
    const url = await startSocketServer(() => {})
    const outcome = await createProvider(url, { timeoutMs: 200 }).send(mail(), never)
    expect(outcome).toMatchObject({ kind: 'temporary', reason: 'server_timed_out', providerDown: true })
  })

  test('a server that answers a character at a time ends after the time-out too', async () => {
    const url = await startSocketServer((socket) => {
      const timer = setInterval(() => socket.write('2'), 10)
      socket.on('close', () => clearInterval(timer))
    })
    const outcome = await createProvider(url, { timeoutMs: 300 }).send(mail(), never)
    expect(outcome).toMatchObject({ kind: 'temporary', reason: 'server_timed_out' })
  })

  test('a server that accepts the message and does not say so times out', async () => {
    const held = Promise.withResolvers<undefined>()
    const server = await startServer({ onMessage: () => held.promise })
    const outcome = await createProvider(server.url, { timeoutMs: 500 }).send(mail(), never)
    expect(outcome).toMatchObject({ kind: 'temporary', reason: 'server_timed_out' })
    held.resolve(undefined)
  })

  test('a server that hangs up in the middle may take the mail next time', async () => {
    const url = await startSocketServer((socket) => socket.end('220 hello\r\n'))
    const outcome = await createProvider(url).send(mail(), never)
    expect(outcome).toMatchObject({ kind: 'temporary' })
  })

  test.for([
    {
      what: '451 to the recipient',
      recipient: 451,
      expected: { kind: 'temporary', reason: 'refused_for_now', providerDown: false, code: 451 },
    },
    {
      what: '550 to the recipient',
      recipient: 550,
      expected: { kind: 'permanent', reason: 'recipient_refused', code: 550 },
    },
    { what: '553 to the sender', sender: 553, expected: { kind: 'permanent', reason: 'sender_refused', code: 553 } },
    { what: '554 to the message', message: 554, expected: { kind: 'permanent', reason: 'message_refused', code: 554 } },
    {
      what: '452 to the message',
      message: 452,
      expected: { kind: 'temporary', reason: 'refused_for_now', providerDown: false, code: 452 },
    },
    {
      what: '530 to the sender',
      sender: 530,
      expected: { kind: 'temporary', reason: 'server_refused', providerDown: true, code: 530 },
    },
    {
      what: '421 to the recipient',
      recipient: 421,
      expected: { kind: 'temporary', reason: 'server_refused', providerDown: true, code: 421 },
    },
  ])('$what is $expected.kind', async ({ recipient, sender, message, expected }) => {
    const reply = (code: number | undefined) => (code === undefined ? undefined : { code, text: 'no, because' })
    const server = await startServer({
      onRecipient: () => reply(recipient),
      onSender: () => reply(sender),
      onMessage: () => reply(message),
    })
    const outcome = await createProvider(server.url).send(mail(), never)
    expect(outcome).toMatchObject(expected)
    expect(outcome.response).toContain('no, because')
  })

  test('a mail that is refused leaves the connection to the next one', async () => {
    const server = await startServer({
      onRecipient: (address) => (address.startsWith('gone') ? { code: 550, text: 'no such person' } : undefined),
    })
    const provider = createProvider(server.url, { connections: 1 })
    const outcomes = await Promise.all([
      provider.send(mail(1, 'gone@example.com'), never),
      provider.send(mail(2), never),
      provider.send(mail(3), never),
    ])
    expect(outcomes.map(({ kind }) => kind)).toEqual(['permanent', 'sent', 'sent'])
    expect(server.accepted.map(({ messageId }) => messageId)).toEqual(['<n2@example.com>', '<n3@example.com>'])
  })

  test('talks over so many connections at once, and no more', async () => {
    const waiting: (() => void)[] = []
    const server = await startServer({
      onMessage: () => new Promise((resolve) => waiting.push(() => resolve(undefined))),
    })
    const provider = createProvider(server.url, { connections: 3 })
    const sends = Array.from({ length: 9 }, (_, n) => provider.send(mail(n), never))
    for (let answered = 0; answered < 9; answered += 3) {
      await waitUntil('three messages on their way', () => waiting.length === 3)
      for (const answer of waiting.splice(0)) answer()
    }
    expect((await Promise.all(sends)).every(({ kind }) => kind === 'sent')).toBe(true)
    expect(server.mostAtOnce).toBe(3)
  })

  test('a send that is aborted ends at once, whether it waits or talks', async () => {
    const url = await startSocketServer(() => {})
    const provider = createProvider(url, { connections: 1 })
    const stop = new AbortController()
    const sends = [provider.send(mail(1), stop.signal), provider.send(mail(2), stop.signal)]
    stop.abort(new Error('enough'))
    for (const outcome of await Promise.allSettled(sends)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { message: 'enough' } })
    }
  })
})
