import { createHash } from 'node:crypto'
import MailComposer from 'nodemailer/lib/mail-composer'
import type { DispatchEvent, NotificationRecord, StoredMessage } from '../store/state/index.ts'
import type { NotifierConfig } from './config.ts'
import { domainOf, oneLine } from './mailbox.ts'
import { alertMail } from './templates/alert-mail.ts'
import { newsOf } from './templates/news.ts'

export type MessageConfig = Pick<NotifierConfig, 'from' | 'publicUrl'>

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
      // RFC 3834: no holiday replies to alerts.
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
      ...(news.kind !== 'resolved' && news.severity === 'critical' ? { Importance: 'high' } : {}),
    },
    text,
    html,
    textEncoding: 'quoted-printable',
    baseBoundary: createHash('sha256').update(messageId).digest('hex').slice(0, 32),
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return { messageId, bytes: await mail.compile().build() }
}
