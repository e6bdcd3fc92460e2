import type { RejectReason } from '../ingest/index.ts'

/** Each reason in words; the type keeps the list equal to that of ingest. */
export const rejectReasonTexts: Readonly<Record<RejectReason, string>> = {
  not_json: 'the payload is no JSON',
  wrong_shape: 'the JSON is none of the forms of telemetry',
  wrong_type: 'a value is not a number, true or false',
  not_finite: 'a value is too large for a number',
  bad_metric_name: 'a metric has a name that metrics cannot have',
  unknown_device: 'no such device is registered',
  unknown_topic: 'the topic means nothing here',
  clock_ahead: "the device's clock is more than a day ahead",
  too_old: 'the time is older than the platform accepts',
  too_many_metrics: 'the device has reached its limit of distinct metrics',
  too_fast: 'more readings without a time of their own than one a millisecond, for five minutes',
  store_refused: 'the readings store will never take it: the detail has what it said',
  forbidden_topic: 'the topic belongs to someone else; the connection was closed',
  payload_too_large: 'the payload is larger than the device may send',
  topic_too_deep: 'the topic has more levels than the device may use',
  quarantined: 'the device is in quarantine; with an empty topic it was an attempt to connect',
}

export const rejectReasonNames: readonly string[] = Object.keys(rejectReasonTexts)

export const rejectReasonList = Object.entries(rejectReasonTexts)
  .map(([reason, text]) => `- \`${reason}\`: ${text}`)
  .join('\n')
