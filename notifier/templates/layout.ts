import type { Severity } from '../../model/index.ts'
import { type Html, html } from './html.ts'

/** Label, value, and a remark under it where there is one. */
export type Fact = readonly [label: string, value: string, remark?: string]

/** What stands where in a mail; all of it plain text, in one language. */
export interface MailContent {
  readonly language: string
  readonly tone: Severity | 'resolved'
  readonly badge: string
  readonly headline: string
  readonly where: string
  /** The one thing to see at a glance. */
  readonly figure: string
  readonly statement: string
  readonly facts: readonly Fact[]
  readonly next: string
  readonly link: { readonly url: string; readonly label: string } | undefined
  readonly footer: string
}

/** Dark enough under white text for WCAG AA, and told apart by people who see red and green alike: the badge says it too. */
const bands = { critical: '#b42318', warning: '#a15c07', info: '#175cd3', resolved: '#067647' } as const
/** The same on a dark ground. */
const darkInks = { critical: '#ff9c92', warning: '#fdb022', info: '#84b6ff', resolved: '#5fd6a0' } as const

const font = "font-family:-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"

/** Tables and inline styles, for mail programs that know nothing else; the style sheet only adds the dark colours. */
export function renderHtml(content: MailContent): string {
  const band = bands[content.tone]
  return html`<!doctype html>
<html lang="${content.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${content.headline}</title>
<style>
:root { color-scheme: light dark; }
@media (prefers-color-scheme: dark) {
  .page { background: #0c111d !important; }
  .card { background: #161b26 !important; border-color: #333741 !important; }
  .ink { color: #f5f5f6 !important; }
  .soft { color: #a3a8b3 !important; }
  .rule { border-color: #2a2f3a !important; }
  .figure { color: ${darkInks[content.tone]} !important; }
  .next { background: #1f242f !important; }
}
@media (max-width: 480px) {
  .page { padding: 0 !important; }
  .card { border-radius: 0 !important; border-left: 0 !important; border-right: 0 !important; }
}
</style>
</head>
<body style="margin:0;padding:0">
<div style="display:none;max-height:0;overflow:hidden">${content.figure}: ${content.statement}</div>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" class="page" style="background:#f2f4f7;padding:24px 12px">
<tr><td align="center">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" class="card" style="${font};max-width:560px;background:#ffffff;border:1px solid #e4e7ec;border-radius:12px;border-collapse:separate;overflow:hidden;text-align:left">
<tr><td style="background:${band};padding:10px 24px;color:#ffffff;font-size:14px;font-weight:700;letter-spacing:.04em;text-transform:uppercase">${content.badge}</td></tr>
<tr><td style="padding:22px 24px 4px">
<div class="ink" style="color:#101828;font-size:20px;line-height:26px;font-weight:700">${content.headline}</div>
<div class="soft" style="color:#475467;font-size:15px;line-height:22px">${content.where}</div>
</td></tr>
<tr><td style="padding:14px 24px 18px">
<div class="figure" style="color:${band};font-size:36px;line-height:44px;font-weight:700">${content.figure}</div>
<div class="ink" style="color:#101828;font-size:16px;line-height:24px">${content.statement}</div>
</td></tr>
<tr><td style="padding:0 24px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="${font}">
${content.facts.map(renderFact)}
</table>
</td></tr>
<tr><td style="padding:18px 24px 22px">
<div class="next ink" style="background:#f9fafb;border-radius:8px;padding:12px 14px;color:#101828;font-size:14px;line-height:21px">${content.next}</div>
${content.link === undefined ? '' : renderLink(content.link)}
</td></tr>
</table>
<div class="soft" style="${font};max-width:560px;padding:14px 24px 24px;color:#667085;font-size:12px;line-height:18px;text-align:left;overflow-wrap:anywhere">${content.footer}</div>
</td></tr>
</table>
</body>
</html>
`.markup
}

function renderFact([label, value, remark = '']: Fact): Html {
  const line = 'border-top:1px solid #eaecf0;padding:9px 0;font-size:14px;line-height:20px;vertical-align:top'
  const note = remark === '' ? '' : html`<br><span class="soft" style="color:#667085;font-size:13px">${remark}</span>`
  return html`<tr><td class="soft rule" width="104" style="${line};color:#667085;padding-right:12px">${label}</td><td class="ink rule" style="${line};color:#101828;overflow-wrap:anywhere">${value}${note}</td></tr>
`
}

function renderLink({ url, label }: NonNullable<MailContent['link']>): Html {
  return html`<div style="padding-top:16px"><a href="${url}" style="display:inline-block;background:#1d2939;color:#ffffff;border:1px solid #475467;border-radius:8px;padding:11px 18px;font-size:15px;font-weight:600;text-decoration:none">${label}</a></div>`
}

/** The same without any mark-up, for whoever reads mail so. */
export function renderText(content: MailContent): string {
  const width = Math.max(...content.facts.map(([label]) => label.length)) + 2
  const facts = content.facts.flatMap(([label, value, remark = '']) => [
    `${`${label}:`.padEnd(width)}${value}`,
    ...(remark === '' ? [] : [`${' '.repeat(width)}${remark}`]),
  ])
  const lines = [
    `${content.badge.toUpperCase()}: ${content.headline}`,
    content.where,
    '',
    `${content.figure}: ${content.statement}`,
    '',
    ...facts,
    '',
    content.next,
    ...(content.link === undefined ? [] : ['', `${content.link.label}: ${content.link.url}`]),
    '',
    '-- ',
    content.footer,
  ]
  return `${lines.join('\n')}\n`
}
