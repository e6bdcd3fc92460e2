import type { RejectReason } from './ports.ts'

/** Since the start of the process; frames that are read again to restore the memory are not counted again. */
export class Counters {
  messages = 0
  readings = 0
  suspect = 0
  duplicates = 0
  redeliveries = 0
  gaps = 0
  notJudged = 0
  rejectedUnlisted = 0
  readonly rejected: Record<RejectReason, number> = {
    not_json: 0,
    wrong_shape: 0,
    wrong_type: 0,
    not_finite: 0,
    bad_metric_name: 0,
    unknown_device: 0,
    unknown_topic: 0,
    clock_ahead: 0,
    too_old: 0,
    too_many_metrics: 0,
    too_fast: 0,
    store_refused: 0,
    forbidden_topic: 0,
    payload_too_large: 0,
    topic_too_deep: 0,
    quarantined: 0,
  }
}
