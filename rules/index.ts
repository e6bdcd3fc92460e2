export type { TransitionSink } from './ports.ts'
