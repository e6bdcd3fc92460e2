export { type DispatcherConfig, dispatcherConfigSchema } from './config.ts'
export { createDispatcher, type Dispatcher, type DispatcherDeps } from './dispatch.ts'
export type { Candidate, Stage, Verdict } from './stages.ts'
