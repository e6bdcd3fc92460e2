export { createRuleEngine, type RuleEngine, type RuleEngineDeps } from './engine.ts'
export { defaultRules } from './packs.ts'
export type { TransitionSink } from './ports.ts'
export { type RuleDraft, type RuleReach, validateRule } from './validate.ts'
