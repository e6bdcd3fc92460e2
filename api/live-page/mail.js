// The HTML part of a mail as it was sent (RFC 2045): enough for what this platform writes itself.

function splitHead(text) {
  const end = text.search(/\r?\n\r?\n/)
  const head = text.slice(0, end).replace(/\r?\n[ \t]+/g, ' ')
  return { head, body: text.slice(end).replace(/^\r?\n\r?\n/, '') }
}

function header(head, name) {
  return head.match(new RegExp(`^${name}:\\s*(.*)$`, 'im'))?.[1] ?? ''
}

function bytesToText(bytes) {
  return new TextDecoder().decode(Uint8Array.from(bytes, (char) => char.charCodeAt(0)))
}

function decode(body, encoding) {
  if (/base64/i.test(encoding)) return bytesToText(atob(body.replace(/\s/g, '')))
  if (!/quoted-printable/i.test(encoding)) return body
  const joined = body.replace(/=\r?\n/g, '')
  return bytesToText(joined.replace(/=([0-9A-F]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))))
}

/** `=?UTF-8?Q?…?=` and `=?UTF-8?B?…?=` (RFC 2047). */
function decodeWords(text) {
  return text.replace(/=\?[^?]+\?([QB])\?([^?]*)\?=\s*/gi, (_, kind, word) =>
    kind.toUpperCase() === 'B' ? decode(word, 'base64') : decode(word.replaceAll('_', ' '), 'quoted-printable'),
  )
}

export function parseMail(text) {
  const { head, body } = splitHead(text)
  const boundary = header(head, 'content-type').match(/boundary="?([^";]+)"?/i)?.[1]
  const parts = boundary === undefined ? [text] : body.split(`--${boundary}`).map((part) => part.replace(/^\r?\n/, ''))
  const html = parts.map(splitHead).find((part) => /text\/html/i.test(header(part.head, 'content-type')))
  return {
    subject: decodeWords(header(head, 'subject')),
    to: header(head, 'to'),
    html: html === undefined ? '' : decode(html.body, header(html.head, 'content-transfer-encoding')),
  }
}
