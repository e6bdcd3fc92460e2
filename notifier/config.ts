import { z } from 'zod'
import { type Mailbox, parseMailbox } from './mailbox.ts'

const hourMs = 3_600_000

const smtpUrl = z
  .string()
  .refine(isSmtpUrl, { error: 'is not an address such as smtp://user:password@mail.example.com:587' })

const mailbox = z.string().transform((text, context): Mailbox => {
  const parsed = parseMailbox(text)
  if (parsed !== undefined) return parsed
  context.addIssue('is not a mail address such as Site office <office@example.com>')
  return z.NEVER
})

export const notifierConfigSchema = z.strictObject({
  smtpUrl: smtpUrl
    .optional()
    .describe(
      'SMTP server that takes the mails: smtp://user:password@host:587 (STARTTLS) or smtps://…:465; ' +
        'without it they land as .eml files in the data folder',
    ),
  startTls: z
    .enum(['required', 'offered'])
    .default('required')
    .describe(
      'Whether an smtp:// server elsewhere than on this machine must speak TLS: `required`, or `offered`, which sends mails in ' +
        'the clear to one that does not, and their links with them; a password is never sent so',
    ),
  from: mailbox
    .prefault('PELBIoT <pelbiot@localhost>')
    .describe('Sender of the mails, an address or Name <address>; its domain also makes the Message-IDs'),
  publicUrl: z
    .url({ protocol: /^https?$/, error: 'is not an http or https address' })
    .optional()
    .describe('Address at which people reach this platform; mails link to it'),
  emlFiles: z
    .int()
    .min(1)
    .max(100_000)
    .default(1_000)
    .describe('Mails kept as .eml files; beyond it the oldest make room'),
  connections: z.int().min(1).max(50).default(4).describe('Connections to the SMTP server at once'),
  mailsPerS: z.int().min(1).max(1_000).default(20).describe('Mails handed over in a second at most; the others wait'),
  timeoutMs: z
    .int()
    .min(100)
    .max(10 * 60_000)
    .default(30_000)
    .describe('Longest that one mail may take, in ms, from connecting to the answer; then it is tried again later'),
  firstRetryMs: z.int().min(10).default(1_000).describe('Wait before the second attempt, in ms; doubles with each one'),
  longestRetryMs: z.int().min(10).default(300_000).describe('Longest wait between two attempts, in ms'),
  giveUpAfterMs: z
    .int()
    .min(0)
    .default(24 * hourMs)
    .describe('A mail that could not be handed over for so long, in ms, fails with the reason `gave_up`'),
  pollMs: z.int().min(10).default(1_000).describe('How often the outbox is looked at, in ms, when nobody wakes it'),
  stopTimeoutMs: z
    .int()
    .min(0)
    .default(5_000)
    .describe('How long a stop waits, in ms, for mails on their way; the others go out after the next start'),
})

export type NotifierConfig = z.output<typeof notifierConfigSchema>

function isSmtpUrl(text: string): boolean {
  const url = URL.parse(text)
  if (url === null || (url.protocol !== 'smtp:' && url.protocol !== 'smtps:') || url.hostname === '') return false
  // Options behind a question mark could switch off what this program relies on (pooling, time-outs, TLS checks).
  if (url.search !== '' || url.hash !== '' || (url.pathname !== '' && url.pathname !== '/')) return false
  try {
    decodeURIComponent(url.username)
    decodeURIComponent(url.password)
    return true
  } catch {
    return false
  }
}
