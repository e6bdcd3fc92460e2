import type { Evidence } from '../../model/index.ts'
import { formatDuration, formatQuantity, localTime, metricLabel } from './format.ts'
import { type Fact, type MailContent, renderHtml, renderText } from './layout.ts'
import type { AlertNews } from './news.ts'
import { type AlertTexts, english } from './texts.ts'

export interface AlertMailOptions {
  readonly recipient: string
  /** Where people reach the platform; without it the mail has no link. */
  readonly publicUrl?: string | undefined
  readonly texts?: AlertTexts
}

export interface RenderedMail {
  readonly subject: string
  readonly html: string
  readonly text: string
}

type ThresholdEvidence = Extract<Evidence, { kind: 'threshold' }>
type NoDataEvidence = Extract<Evidence, { kind: 'no_data' }>

/**
 * The mail about one step of an alert. Pure. Its subject begins with a bracket, which mail programs leave out when they
 * compare subjects (RFC 5256 2.1): so the steps of one alert stay one conversation.
 */
export function alertMail(news: AlertNews, { recipient, publicUrl, texts = english }: AlertMailOptions): RenderedMail {
  const badge = news.kind === 'resolved' ? texts.resolved : texts.severity[news.severity]
  const content: MailContent = {
    language: texts.language,
    tone: news.kind === 'resolved' ? 'resolved' : news.severity,
    badge,
    headline: news.ruleName,
    where: news.deviceName === news.siteName ? news.siteName : `${news.deviceName} · ${news.siteName}`,
    ...tell(news, texts),
    link: publicUrl === undefined ? undefined : { url: publicUrl, label: texts.open },
    footer: texts.why(recipient, news.alertId),
  }
  const reply = news.kind === 'firing' ? '' : 'Re: '
  return {
    subject: `${reply}[${badge}] ${news.ruleName}: ${news.deviceName}`,
    html: renderHtml(content),
    text: renderText(content),
  }
}

type Story = Pick<MailContent, 'figure' | 'statement' | 'facts' | 'next'>

function tell(news: AlertNews, texts: AlertTexts): Story {
  const { evidence } = news
  if (evidence.kind === 'no_data') return tellSilence(news, evidence, texts)
  return news.kind === 'resolved' ? tellEnd(news, evidence, texts) : tellCrossing(news, evidence, texts)
}

function tellCrossing(news: AlertNews, evidence: ThresholdEvidence, texts: AlertTexts): Story {
  const { labels } = texts
  const { metric, quantity, beyondLimit } = wordsOf(news, evidence, texts)
  const clock = clockOf(news, texts)
  const { limit, clear, forMs, keepFiringForMs } = evidence
  return {
    figure: quantity(evidence.value),
    statement: texts.firing(metric, beyondLimit, clock.time(evidence.sinceMs)),
    facts: [
      measured(news, evidence, texts),
      [labels.limit, clear === limit ? beyondLimit : texts.clearsAt(beyondLimit, quantity(clear))],
      [labels.since, clock.full(evidence.sinceMs)],
      ...optional(labels.held, forMs > 0 ? formatDuration(forMs) : ''),
      ...place(news, texts),
    ],
    next: texts.next.threshold(quantity(clear), keepFiringForMs > 0 ? formatDuration(keepFiringForMs) : undefined),
  }
}

function tellEnd(news: AlertNews, evidence: ThresholdEvidence, texts: AlertTexts): Story {
  const { metric, quantity, beyondLimit } = wordsOf(news, evidence, texts)
  const lasted = formatDuration(news.timeMs - news.firedMs)
  const cleared = news.reason === 'condition_cleared'
  return {
    figure: cleared ? quantity(evidence.value) : texts.ended[news.reason ?? 'condition_cleared'],
    statement: cleared ? texts.cleared(metric, beyondLimit, lasted) : texts.endedAfter(lasted),
    facts: [
      measured(news, evidence, texts),
      [texts.labels.limit, beyondLimit],
      ...end(news, texts),
      ...place(news, texts),
    ],
    next: texts.next.resolved,
  }
}

function tellSilence(news: AlertNews, evidence: NoDataEvidence, texts: AlertTexts): Story {
  const { labels } = texts
  const clock = clockOf(news, texts)
  const silent =
    evidence.lastSeenMs === null
      ? texts.neverHeard(clock.time(evidence.armedMs))
      : texts.silentSince(clock.time(evidence.lastSeenMs))
  const facts: Fact[] = [
    [labels.lastMessage, evidence.lastSeenMs === null ? texts.never : clock.full(evidence.lastSeenMs)],
    [labels.expected, texts.everyInterval(formatDuration(evidence.intervalMs), String(evidence.intervals))],
    ...optional(labels.downtime, evidence.downtimeMs > 0 ? formatDuration(evidence.downtimeMs) : ''),
  ]
  if (news.kind !== 'resolved') {
    return {
      figure: texts.noData,
      statement: silent,
      facts: [...facts, ...place(news, texts)],
      next: texts.next.noData,
    }
  }
  const lasted = formatDuration(news.timeMs - news.firedMs)
  const cleared = news.reason === 'condition_cleared'
  return {
    figure: texts.ended[news.reason ?? 'condition_cleared'],
    statement: cleared ? texts.heardAgain(lasted) : texts.endedAfter(lasted),
    facts: [...facts, ...end(news, texts), ...place(news, texts)],
    next: texts.next.resolved,
  }
}

function wordsOf(news: AlertNews, evidence: ThresholdEvidence, texts: AlertTexts) {
  const quantity = (value: number) => formatQuantity(value, evidence.unit)
  return {
    quantity,
    metric: metricLabel(news.metric ?? news.ruleName),
    beyondLimit: `${texts.beyond[evidence.op]} ${quantity(evidence.limit)}`,
  }
}

function measured(news: AlertNews, evidence: ThresholdEvidence, texts: AlertTexts): Fact {
  const { value, unit, readingTimeMs, quality } = evidence
  const what = texts.at(formatQuantity(value, unit), clockOf(news, texts).time(readingTimeMs))
  return [texts.labels.measured, what, texts.quality[quality]]
}

function end(news: AlertNews, texts: AlertTexts): readonly Fact[] {
  const clock = clockOf(news, texts)
  return [
    [texts.labels.fired, clock.full(news.firedMs)],
    [texts.labels.ended, clock.full(news.timeMs)],
    ...optional(texts.labels.resolution, news.reason === 'by_hand' ? (news.resolution ?? '') : ''),
  ]
}

function place(news: AlertNews, texts: AlertTexts): readonly Fact[] {
  const { labels } = texts
  const named = news.deviceName === news.deviceId ? news.deviceId : `${news.deviceName} (${news.deviceId})`
  return [
    [labels.rule, texts.version(news.ruleName, news.ruleVersion)],
    [labels.device, named],
    [labels.site, news.siteName],
    [labels.times, localTime(news.timeMs, news.timeZone, texts.calendar).zone],
  ]
}

/** Times as the site's clocks show them; the date too, where asked for. */
function clockOf({ timeZone }: AlertNews, { calendar }: AlertTexts) {
  return {
    time: (timeMs: number) => localTime(timeMs, timeZone, calendar).time,
    full: (timeMs: number) => {
      const { time, date } = localTime(timeMs, timeZone, calendar)
      return `${time}, ${date}`
    },
  }
}

function optional(label: string, value: string): readonly Fact[] {
  return value === '' ? [] : [[label, value]]
}
