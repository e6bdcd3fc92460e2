import { type Language, linkUrl } from '../../model/index.ts'
import type { AccountMailAbout, AccountMailKind } from '../../store/state/index.ts'
import type { RenderedMail } from './alert-mail.ts'
import { type CalendarNames, localTime } from './format.ts'
import { type MailContent, renderHtml, renderText } from './layout.ts'
import { english } from './texts.ts'

interface AccountTexts {
  readonly calendar: CalendarNames
  readonly badge: string
  readonly validUntil: string
  readonly changedAt: string
  readonly footer: (email: string) => string
  readonly kinds: Readonly<
    Record<
      AccountMailKind,
      { readonly headline: string; readonly figure: string; readonly statement: string; readonly next: string }
    >
  >
}

const texts: Readonly<Record<Language, AccountTexts>> = {
  en: {
    calendar: english.calendar,
    badge: 'Account',
    validUntil: 'Valid until',
    changedAt: 'Changed',
    footer: (email) => `Sent to ${email}, because PELBIoT has an account for this address.`,
    kinds: {
      invitation: {
        headline: 'You are invited to PELBIoT',
        figure: 'Set a password',
        statement:
          'Somebody who runs this platform has made an account for you. With a password of your own you come in.',
        next: 'The link works once. If you did not expect this mail, do nothing: without it nobody gets in.',
      },
      'password-reset': {
        headline: 'A new password for PELBIoT',
        figure: 'Set a new password',
        statement: 'Somebody, probably you, asked for a new password for this address.',
        next: 'The link works once, and ends all your sessions when it is used. If it was not you, do nothing: your password stays as it is.',
      },
      'password-changed': {
        headline: 'Your password was changed',
        figure: 'Password changed',
        statement: 'The password of your account was set anew, and other sessions were ended.',
        next: 'If it was not you, ask for a new password on the sign-in page at once, and tell whoever runs the platform.',
      },
    },
  },
  id: {
    calendar: {
      weekdays: ['Sen', 'Sel', 'Rab', 'Kam', 'Jum', 'Sab', 'Min'],
      months: ['Jan', 'Feb', 'Mar', 'Apr', 'Mei', 'Jun', 'Jul', 'Agu', 'Sep', 'Okt', 'Nov', 'Des'],
    },
    badge: 'Akun',
    validUntil: 'Berlaku sampai',
    changedAt: 'Diubah',
    footer: (email) => `Dikirim ke ${email}, karena PELBIoT memiliki akun untuk alamat ini.`,
    kinds: {
      invitation: {
        headline: 'Anda diundang ke PELBIoT',
        figure: 'Buat kata sandi',
        statement:
          'Pengelola platform ini telah membuatkan akun untuk Anda. Dengan kata sandi sendiri Anda dapat masuk.',
        next: 'Tautan ini hanya dapat dipakai sekali. Jika Anda tidak menunggu surel ini, abaikan saja: tanpa tautan ini tidak ada yang dapat masuk.',
      },
      'password-reset': {
        headline: 'Kata sandi baru untuk PELBIoT',
        figure: 'Buat kata sandi baru',
        statement: 'Seseorang, mungkin Anda, meminta kata sandi baru untuk alamat ini.',
        next: 'Tautan ini hanya dapat dipakai sekali dan mengakhiri semua sesi Anda. Jika bukan Anda, abaikan saja: kata sandi Anda tetap sama.',
      },
      'password-changed': {
        headline: 'Kata sandi Anda telah diubah',
        figure: 'Kata sandi diubah',
        statement: 'Kata sandi akun Anda telah diganti, dan sesi lain telah diakhiri.',
        next: 'Jika bukan Anda, segera minta kata sandi baru di halaman masuk dan beri tahu pengelola platform.',
      },
    },
  },
}

export interface AccountMailOptions {
  readonly publicUrl: string | undefined
  /** When it was decided that it be sent. */
  readonly createdMs: number
}

/** The mail about somebody's account, in their language and their own time. Pure. */
export function accountMail(about: AccountMailAbout, { publicUrl, createdMs }: AccountMailOptions): RenderedMail {
  const { kind, person, link } = about
  const words = texts[person.language]
  const { headline, figure, statement, next } = words.kinds[kind]
  const when = (timeMs: number) => {
    const { time, date, zone } = localTime(timeMs, person.timeZone ?? 'UTC', words.calendar)
    return `${time}, ${date} (${zone})`
  }
  const content: MailContent = {
    language: person.language,
    tone: 'info',
    badge: words.badge,
    headline,
    where: person.name,
    figure,
    statement,
    facts: [link === null ? [words.changedAt, when(createdMs)] : [words.validUntil, when(link.expiresMs)]],
    next,
    link: link === null || publicUrl === undefined ? undefined : { url: linkUrl(publicUrl, link.token), label: figure },
    footer: words.footer(person.email),
  }
  return { subject: headline, html: renderHtml(content), text: renderText(content) }
}
