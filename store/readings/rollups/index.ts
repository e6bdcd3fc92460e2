export { BucketSum } from './bucket-sum.ts'
export { type Piece, planPieces, type Rolled } from './plan.ts'
export { bucketOfGroups, type GroupRun, groupRuns } from './runs.ts'
export { type Span, slotEnd, slotMs, slotStart } from './slots.ts'
