export type { Broker, BrokerDeps, BrokerPorts, BrokerStats, CreateBroker } from './broker.ts'
export { type BrokerConfig, brokerConfigSchema } from './config.ts'
export type {
  BrokerAccess,
  BrokerPersistence,
  FanoutLedger,
  IncomingPacket,
  MqttCredentials,
  MqttIdentity,
  MqttSession,
  SessionRegistry,
} from './ports.ts'
