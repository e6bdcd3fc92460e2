export { type Api, type ApiDeps, createApi } from './api.ts'
export { hashPassword } from './auth/password-work.ts'
export { type ApiConfig, type ApiSettings, apiConfigSchema } from './config.ts'
export type { TlsPair } from './listener.ts'
export type {
  ApiPeers,
  BrokerQueries,
  BrokerStatus,
  ControlLog,
  ReadingQueries,
  RuleDraft,
  RuleReach,
  ValidateRule,
} from './ports.ts'
export type { HttpPorts } from './server.ts'
