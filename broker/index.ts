export type { BrokerAccess, MqttCredentials, MqttIdentity } from './ports.ts'
