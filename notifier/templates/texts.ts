import type { Comparison, QualityName, ResolveReason, Severity } from '../../model/index.ts'
import type { CalendarNames } from './format.ts'

/** Every word of an alert's mail, in one language. Quantities, durations and times come formatted. */
export interface AlertTexts {
  /** BCP 47. */
  readonly language: string
  readonly calendar: CalendarNames
  readonly severity: Readonly<Record<Severity, string>>
  readonly resolved: string
  readonly beyond: Readonly<Record<Comparison, string>>
  readonly quality: Readonly<Record<QualityName, string>>
  /** Instead of the figure, where something other than a cleared condition ended it. */
  readonly ended: Readonly<Record<ResolveReason, string>>
  readonly noData: string
  readonly firing: (metric: string, beyondLimit: string, since: string) => string
  readonly cleared: (metric: string, beyondLimit: string, lasted: string) => string
  readonly silentSince: (since: string) => string
  readonly neverHeard: (registered: string) => string
  readonly heardAgain: (lasted: string) => string
  readonly endedAfter: (lasted: string) => string
  readonly labels: Readonly<
    Record<
      | 'measured'
      | 'limit'
      | 'since'
      | 'fired'
      | 'ended'
      | 'held'
      | 'lastMessage'
      | 'expected'
      | 'downtime'
      | 'resolution'
      | 'rule'
      | 'device'
      | 'site'
      | 'times',
      string
    >
  >
  readonly at: (what: string, when: string) => string
  readonly clearsAt: (limit: string, clear: string) => string
  readonly everyInterval: (interval: string, intervals: string) => string
  readonly never: string
  readonly version: (name: string, version: number) => string
  readonly next: {
    readonly threshold: (clear: string, keepFiring: string | undefined) => string
    readonly noData: string
    readonly resolved: string
  }
  readonly open: string
  readonly why: (recipient: string, alertId: string) => string
}

export const english: AlertTexts = {
  language: 'en',
  calendar: {
    weekdays: ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'],
    months: ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'],
  },
  severity: { info: 'Info', warning: 'Warning', critical: 'Critical' },
  resolved: 'Resolved',
  beyond: { '>': 'above', '>=': 'at or above', '<': 'below', '<=': 'at or below' },
  quality: {
    good: '',
    suspect: 'suspect: the value failed a plausibility check, so look at the meter too',
    estimated: 'estimated',
    edited: 'edited',
  },
  ended: {
    condition_cleared: 'Back to normal',
    by_hand: 'Resolved by hand',
    rule_disabled: 'The rule was switched off',
    rule_removed: 'The rule was removed',
    device_removed: 'The device was removed',
    out_of_scope: 'The rule no longer applies here',
  },
  noData: 'No data',
  firing: (metric, beyondLimit, since) => `${metric} ${beyondLimit} since ${since}`,
  cleared: (metric, beyondLimit, lasted) => `${metric} no longer ${beyondLimit}, after ${lasted}`,
  silentSince: (since) => `nothing heard since ${since}`,
  neverHeard: (registered) => `never heard since it was registered at ${registered}`,
  heardAgain: (lasted) => `heard again, after ${lasted}`,
  endedAfter: (lasted) => `after ${lasted}`,
  labels: {
    measured: 'Measured',
    limit: 'Limit',
    since: 'Since',
    fired: 'Alert began',
    ended: 'Ended',
    held: 'Held for',
    lastMessage: 'Last message',
    expected: 'Expected',
    downtime: 'Not counted',
    resolution: 'Note',
    rule: 'Rule',
    device: 'Device',
    site: 'Site',
    times: 'Times',
  },
  at: (what, when) => `${what} at ${when}`,
  clearsAt: (limit, clear) => `${limit}, clears at ${clear}`,
  everyInterval: (interval, intervals) => `every ${interval}; the alert comes after ${intervals} missed`,
  never: 'never',
  version: (name, version) => `${name}, version ${version}`,
  next: {
    threshold: (clear, keepFiring) =>
      keepFiring === undefined
        ? `You hear again when the severity changes, and when the value is back at ${clear}.`
        : `You hear again when the severity changes, and when the value has been back at ${clear} for ${keepFiring}.`,
    noData: 'You hear again with the next message from this device.',
    resolved: 'Nothing more comes about this alert. Should it happen again, a new one begins.',
  },
  open: 'Open PELBIoT',
  why: (recipient, alertId) => `Sent to ${recipient}, who is told of every alert here. Alert ${alertId}.`,
}
