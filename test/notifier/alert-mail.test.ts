import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseAlertId, parseDeviceId, parseMetricName, resolveReasons, severities } from '../../model/index.ts'
import { alertMail } from '../../notifier/templates/alert-mail.ts'
import { formatDuration, formatQuantity, localTime, metricLabel } from '../../notifier/templates/format.ts'
import { escapeHtml } from '../../notifier/templates/html.ts'
import type { AlertNews } from '../../notifier/templates/news.ts'
import { english } from '../../notifier/templates/texts.ts'

const atMs = Date.UTC(2026, 10, 23, 7, 5, 9)
const recipient = 'ops@example.com'

const overVoltage: AlertNews = {
  alertId: parseAlertId('k3vqf2m9x7'),
  kind: 'firing',
  severity: 'critical',
  reason: null,
  resolution: null,
  ruleName: 'Voltage L1–L2',
  ruleVersion: 3,
  deviceId: parseDeviceId('panel-1'),
  deviceName: 'Panel 1',
  siteName: 'Gedung Contoh',
  timeZone: 'Asia/Jakarta',
  metric: parseMetricName('voltage_l12'),
  value: 465.2,
  evidence: {
    kind: 'threshold',
    op: '>',
    limit: 460,
    clear: 455,
    value: 465.2,
    unit: 'V',
    quality: 'suspect',
    readingTimeMs: atMs,
    sinceMs: atMs - 30_000,
    forMs: 30_000,
    keepFiringForMs: 60_000,
    decidedBy: 'timer',
  },
  timeMs: atMs,
  firedMs: atMs,
}

const silence: AlertNews = {
  ...overVoltage,
  severity: 'warning',
  ruleName: 'No data',
  metric: null,
  value: null,
  evidence: {
    kind: 'no_data',
    lastSeenMs: atMs - 180_000,
    armedMs: atMs,
    intervals: 3,
    intervalMs: 60_000,
    downtimeMs: 0,
  },
}

describe('the mail of an alert', () => {
  test('says what, where, since when and against which limit, in the time of the site', () => {
    const { text } = alertMail(overVoltage, { recipient })
    expect(text).toContain('CRITICAL: Voltage L1–L2')
    expect(text).toContain('Panel 1 · Gedung Contoh')
    expect(text).toContain('465.2 V: Voltage L12 above 460 V since 14:04:39')
    expect(text).toContain('above 460 V, clears at 455 V')
    expect(text).toContain('14:04:39, Mon 23 Nov 2026')
    expect(text).toContain('Voltage L1–L2, version 3')
    expect(text).toContain('Asia/Jakarta, UTC+07:00')
    expect(text).toMatch(/back at 455 V for 1 min/)
    expect(text).toContain('suspect')
  })

  test('at the end says how long it lasted', () => {
    const end: AlertNews = { ...overVoltage, kind: 'resolved', reason: 'condition_cleared', timeMs: atMs + 754_000 }
    expect(alertMail(end, { recipient }).text).toContain('no longer above 460 V, after 12 min 34 s')
  })

  test('resolved by hand, shows what was written', () => {
    const end: AlertNews = { ...overVoltage, kind: 'resolved', reason: 'by_hand', resolution: 'Tap <changed>' }
    const { text, html } = alertMail(end, { recipient })
    expect(text).toMatch(/Note: +Tap <changed>/)
    expect(html).toContain('Tap &lt;changed&gt;')
  })

  test('of a silent device says since when, or that it was never heard', () => {
    expect(alertMail(silence, { recipient }).text).toContain('No data: nothing heard since 14:02:09')
    const never: AlertNews = {
      ...silence,
      evidence: {
        kind: 'no_data',
        lastSeenMs: null,
        armedMs: atMs,
        intervals: 3,
        intervalMs: 60_000,
        downtimeMs: 9_000,
      },
    }
    expect(alertMail(never, { recipient }).text).toContain('never heard since it was registered at 14:05:09')
    expect(alertMail(never, { recipient }).text).toMatch(/Not counted: +9 s/)
  })

  test('links to the platform where its address is known, and nowhere else', () => {
    expect(alertMail(overVoltage, { recipient }).html).not.toContain('<a ')
    const publicUrl = 'https://pel.example.com/?a=1&b=2'
    expect(alertMail(overVoltage, { recipient, publicUrl }).html).toContain(
      'href="https://pel.example.com/?a=1&amp;b=2"',
    )
    expect(alertMail(overVoltage, { recipient, publicUrl }).text).toContain(publicUrl)
  })

  test('has something to say for every kind, severity and reason', () => {
    for (const base of [overVoltage, silence]) {
      for (const kind of ['firing', 'severity', 'resolved'] as const) {
        for (const severity of severities) {
          for (const reason of kind === 'resolved' ? resolveReasons : [null]) {
            const { subject, text, html } = alertMail({ ...base, kind, severity, reason }, { recipient })
            for (const one of [subject, text, html]) expect(one).not.toMatch(/undefined|null|NaN|\[object/)
          }
        }
      }
    }
  })

  test('whatever a name holds, it is text in the HTML', () => {
    const wild = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }),
      fc.constantFrom(
        '<script>alert(1)</script>',
        '"><img src=x onerror=alert(1)>',
        "' onload='x",
        '</td></table>',
        '&lt;',
      ),
    )
    const tags = (html: string) => html.match(/<[^>]*>/g)?.map((tag) => tag.replace(/^<(\/?\w+).*$/s, '$1'))
    const plain = tags(alertMail(overVoltage, { recipient }).html)
    fc.assert(
      fc.property(wild, wild, wild, (deviceName, siteName, ruleName) => {
        const { html } = alertMail({ ...overVoltage, deviceName, siteName, ruleName }, { recipient })
        expect(tags(html)).toEqual(plain)
        expect(html).toContain(escapeHtml(ruleName))
      }),
    )
  })
})

describe('how things are written', () => {
  test.for([
    [0, '0 s'],
    [400, '400 ms'],
    [45_000, '45 s'],
    [60_000, '1 min'],
    [200_000, '3 min 20 s'],
    [7_500_000, '2 h 5 min'],
    [3 * 86_400_000 + 10_000, '3 d'],
    [-5, '0 s'],
  ] as const)('%d ms is %s', ([ms, written]) => expect(formatDuration(ms)).toBe(written))

  test.for([
    [465.2, 'V', '465.2 V'],
    [105_300, 'W', '105,300 W'],
    [76, 'Cel', '76 °C'],
    [95, 'V.A', '95 VA'],
    [0.8499, '1', '0.8499'],
    [1_500_000_000, 'By', '1.5 GB'],
    [0, 'By', '0 B'],
    [1_200, '/s', '1,200/s'],
    [1 / 3, 'V', '0.333333 V'],
  ] as const)('%d in %s is %s', ([value, unit, written]) => expect(formatQuantity(value, unit)).toBe(written))

  test('a time is that of the zone on its day, summer time included', () => {
    expect(localTime(Date.UTC(2026, 6, 1, 12), 'Europe/Berlin', english.calendar)).toEqual({
      time: '14:00:00',
      date: 'Wed 1 Jul 2026',
      zone: 'Europe/Berlin, UTC+02:00',
    })
    expect(localTime(Date.UTC(2026, 0, 1, 12), 'Europe/Berlin', english.calendar).time).toBe('13:00:00')
    expect(localTime(Date.UTC(2026, 0, 1, 12), 'No/Where', english.calendar)).toMatchObject({
      time: '12:00:00',
      zone: 'UTC',
    })
  })

  test.for([
    ['voltage_l12', 'Voltage L12'],
    ['power_factor', 'Power factor'],
    ['x', 'X'],
    ['__', '__'],
  ] as const)('%s is called %s', ([metric, label]) => expect(metricLabel(metric)).toBe(label))
})
