export { type Broker, type BrokerDeps, type BrokerPorts, type BrokerStats, createBroker } from './broker.ts'
export { type BrokerConfig, brokerConfigSchema } from './config.ts'
export { createSessionPersistence, type SessionPersistence } from './persistence.ts'
export type {
  BrokerAccess,
  BrokerPersistence,
  ConnectionView,
  FanoutLedger,
  IncomingPacket,
  MqttCertificate,
  MqttCredentials,
  MqttIdentity,
  MqttSession,
  SessionRegistry,
} from './ports.ts'
export type { PushedMessage, PushOutcome } from './push.ts'
export type { Refused } from './refusals.ts'
