import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { renderMessage } from '../../notifier/message.ts'
import type { DispatchEvent, NotificationRecord } from '../../store/state/index.ts'
import { alertSteps } from '../alerts/alert-world.ts'
import { device, site } from '../store/state/harness.ts'
import { headerOf } from './mail-server.ts'

const config = { from: { name: 'Gedung Contoh', address: 'pel@example.com' }, publicUrl: 'https://pel.example.com/' }

type Step = 'firing' | 'severity' | 'resolved'

function about(kind: Step, names: { device?: string; site?: string; rule?: string } = {}): DispatchEvent {
  const transition = { ...alertSteps('a')[kind](), ...(names.rule === undefined ? {} : { ruleName: names.rule }) }
  const { alertId, timeMs, severity, ruleId, ruleName, ruleVersion, deviceId, siteId, metric, value, evidence } =
    transition
  const step = { id: 1, alertId, timeMs }
  return {
    id: 1,
    event: { ...step, kind, transition },
    alert: {
      ...{ id: alertId, number: 1, ruleId, ruleName, ruleVersion, deviceId, siteId, metric, severity, value, evidence },
      ...{ state: 'firing', startedMs: timeMs, firedMs: timeMs, resolvedMs: null, resolveReason: null },
      ...{ acknowledgedMs: null, acknowledgedBy: null, resolution: null, rootCause: null },
    },
    device: { ...device(deviceId), number: 1, name: names.device ?? 'Panel 1' },
    site: { ...site('north'), name: names.site ?? 'Gedung Contoh' },
  }
}

function notification(event: DispatchEvent, id = 'k3vq'): NotificationRecord {
  return {
    ...{ kind: 'alert', personId: null, linkId: null },
    ...{ id, number: 1, eventId: event.id, alertId: event.alert.id, siteId: event.alert.siteId, channel: 'email' },
    ...{ recipient: 'ops@example.com', state: 'queued', reason: null, messageId: null, attempts: 0 },
    ...{ nextAttemptMs: 0, createdMs: Date.UTC(2026, 10, 23, 7, 5, 10), sentMs: null },
  }
}

async function render(event: DispatchEvent, id?: string): Promise<string> {
  const { bytes } = await renderMessage(config, notification(event, id), event)
  return Buffer.from(bytes).toString()
}

/** The subject as people read it (RFC 2047 undone). */
function subjectOf(raw: string): string {
  return decodeWords(headerOf(raw, 'Subject'))
}

function decodeWords(text: string): string {
  return text
    .replaceAll(/\?=\s+=\?/g, '?==?')
    .replaceAll(/=\?UTF-8\?(Q|B)\?(.*?)\?=/gi, (_, kind: string, encoded: string) => {
      if (kind.toUpperCase() === 'B') return Buffer.from(encoded, 'base64').toString('latin1')
      const bytes = encoded.replaceAll('_', ' ')
      return bytes.replaceAll(/=([0-9A-F]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    })
    .replace(/[\u0080-\u00ff]+/g, (bytes) => Buffer.from(bytes, 'latin1').toString())
}

/** What mail programs compare to find one conversation: RFC 5256 2.1, as far as our subjects go. */
const baseSubject = (subject: string) => subject.replace(/^(Re: )?\[[^\]]*\] /, '')

describe('the message', () => {
  test('is the same, to the byte, for the same notification', async () => {
    expect(await render(about('firing'))).toBe(await render(about('firing')))
  })

  test('has a Message-ID made from the notification and the domain of the sender', async () => {
    const event = about('firing')
    const { messageId, bytes } = await renderMessage(config, notification(event, 'abc'), event)
    expect(messageId).toBe('<abc@example.com>')
    expect(headerOf(Buffer.from(bytes).toString(), 'Message-ID')).toBe(messageId)
  })

  test('says that a machine wrote it, and when it was decided to', async () => {
    const raw = await render(about('firing'))
    expect(headerOf(raw, 'Auto-Submitted')).toBe('auto-generated')
    expect(headerOf(raw, 'Date')).toBe('Mon, 23 Nov 2026 07:05:10 +0000')
    expect(headerOf(raw, 'From')).toBe('Gedung Contoh <pel@example.com>')
    expect(headerOf(raw, 'To')).toBe('ops@example.com')
    expect(headerOf(raw, 'Importance')).toBe('high')
  })

  test('belongs with the others of its alert into one conversation', async () => {
    const mails = await Promise.all([
      render(about('firing'), 'a'),
      render(about('severity'), 'b'),
      render(about('resolved'), 'c'),
    ])
    expect(new Set(mails.map((raw) => headerOf(raw, 'References')))).toEqual(new Set(['<alert.alert-a@example.com>']))
    expect(mails.map((raw) => headerOf(raw, 'In-Reply-To') !== '')).toEqual([false, true, true])
    const subjects = mails.map(subjectOf)
    expect(subjects).toEqual([
      '[Critical] Voltage L1–L2 too high: Panel 1',
      'Re: [Warning] Voltage L1–L2 too high: Panel 1',
      'Re: [Resolved] Voltage L1–L2 too high: Panel 1',
    ])
    expect(new Set(subjects.map(baseSubject)).size).toBe(1)
  })

  test('no name can begin a header of its own', async () => {
    const names = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 })
    const hostile = fc.oneof(
      names,
      names.map((name) => `${name}\r\nBcc: all@example.com\r\n\r\n<script>`),
    )
    const plain = headerNames(await render(about('firing')))
    await fc.assert(
      fc.asyncProperty(hostile, hostile, hostile, async (deviceName, siteName, rule) => {
        const raw = await render(about('firing', { device: deviceName, site: siteName, rule }))
        expect(headerNames(raw)).toEqual(plain)
      }),
      { numRuns: 50 },
    )
  })

  test('lines are as short as RFC 5322 2.1.1 wants them, whatever the names', async () => {
    const raw = await render(about('firing', { device: 'ü'.repeat(200), site: 'x'.repeat(500), rule: 'y'.repeat(500) }))
    for (const line of raw.split('\r\n')) expect(line.length).toBeLessThanOrEqual(998)
  })
})

function headerNames(raw: string): readonly string[] {
  const [head = ''] = raw.split('\r\n\r\n', 1)
  return head.split('\r\n').flatMap((line) => /^([\w-]+):/.exec(line)?.[1] ?? [])
}
