import { createHash } from 'node:crypto'
import MailComposer from 'nodemailer/lib/mail-composer'
import type { AccountMailAbout, DispatchEvent, NotificationRecord, StoredMessage } from '../store/state/index.ts'
import type { NotifierConfig } from './config.ts'
import { domainOf, oneLine } from './mailbox.ts'
import { accountMail } from './templates/account-mail.ts'
import { alertMail } from './templates/alert-mail.ts'
import { newsOf } from './templates/news.ts'

export type MessageConfig = Pick<NotifierConfig, 'from' | 'publicUrl'>

/** Shown where a token was: in what is kept of a mail for others to read. */
const hiddenToken = 'SECRET'

/** A mail about an account: as its recipient gets it, and as it is kept, for nobody else may use its link. */
export async function renderAccountMessage(
  { from, publicUrl }: MessageConfig,
  { id, recipient, createdMs }: NotificationRecord,
  about: AccountMailAbout,
): Promise<{ readonly sent: StoredMessage; readonly kept: StoredMessage }> {
  const messageId = `<${id}@${domainOf(from.address)}>`
  const compose = async (shown: AccountMailAbout): Promise<StoredMessage> => {
    const { subject, html, text } = accountMail(shown, { publicUrl, createdMs })
    const mail = new MailComposer({
      messageId,
      date: new Date(createdMs),
      from: { name: oneLine(from.name), address: from.address },
      to: recipient,
      subject: oneLine(subject),
      headers: automatic,
      text,
      html,
      ...composing(messageId),
    })
    return { messageId, bytes: await mail.compile().build() }
  }
  const hidden = about.link === null ? about : { ...about, link: { ...about.link, token: hiddenToken } }
  return { sent: await compose(about), kept: await compose(hidden) }
}

/** RFC 3834: no holiday replies to what nobody has written. */
const automatic = { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' } as const

/** The same notification is the same bytes, and nothing is fetched. */
function composing(messageId: string) {
  return {
    textEncoding: 'quoted-printable',
    baseBoundary: createHash('sha256').update(messageId).digest('hex').slice(0, 32),
    disableFileAccess: true,
    disableUrlAccess: true,
  } as const
}

/** The mail that a notification is, complete (RFC 5322): the same notification and event, the same bytes. */
export async function renderMessage(
  { from, publicUrl }: MessageConfig,
  notification: NotificationRecord,
  about: DispatchEvent,
): Promise<StoredMessage> {
  const { id, alertId, recipient, createdMs } = notification
  const domain = domainOf(from.address)
  const news = newsOf(about)
  const { subject, html, text } = alertMail(news, { recipient, publicUrl })
  const messageId = `<${id}@${domain}>`
  // No mail has this id: it is the root that all mails of one alert hang from, whichever of them arrives first.
  const thread = `<alert.${alertId}@${domain}>`
  const mail = new MailComposer({
    messageId,
    date: new Date(createdMs),
    from: { name: oneLine(from.name), address: from.address },
    to: recipient,
    subject: oneLine(subject),
    references: [thread],
    ...(news.kind === 'firing' ? {} : { inReplyTo: thread }),
    headers: {
      ...automatic,
      ...(news.kind !== 'resolved' && news.severity === 'critical' ? { Importance: 'high' } : {}),
    },
    text,
    html,
    ...composing(messageId),
  })
  return { messageId, bytes: await mail.compile().build() }
}
