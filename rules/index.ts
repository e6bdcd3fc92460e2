export { defaultRules } from './packs.ts'
export type { TransitionSink } from './ports.ts'
export { type RuleDraft, type RuleReach, validateRule } from './validate.ts'
