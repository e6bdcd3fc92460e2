export { createLimits, type LimitRule, type Limits, type LimitsDeps, type Taken } from './limits.ts'
