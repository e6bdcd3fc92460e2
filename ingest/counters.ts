import { type RejectReason, rejectReasons } from './ports.ts'

/** Since the start of the process; frames that are read again to restore the memory are not counted again. */
export class Counters {
  messages = 0
  readings = 0
  suspect = 0
  duplicates = 0
  redeliveries = 0
  gaps = 0
  rejectedUnlisted = 0
  readonly rejected: Record<RejectReason, number>

  constructor() {
    const none = { not_json: 0 }
    this.rejected = Object.assign(none, ...rejectReasons.map((reason) => ({ [reason]: 0 })))
  }
}
