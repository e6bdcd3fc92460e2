/** Bytes that MQTT 3.1.1 forbids: the connection is closed, after a CONNACK where the clause prescribes one. */
export interface Violation {
  readonly clause: string
  readonly text: string
  /** Return code of the CONNACK that goes out before the connection is closed. */
  readonly connack: 1 | 2 | undefined
}

function violation(clause: string, text: string, connack?: 1 | 2): Violation {
  return Object.freeze({ clause, text, connack })
}

/** Made once: refusing costs no allocation, and a log line can name the clause. */
export const violations = {
  reservedFlags: violation('MQTT-2.2.2-2', 'reserved flags of the fixed header are set'),
  packetType: violation('MQTT 2.2.1', 'a packet type that no client may send'),
  remainingLength: violation('MQTT 2.2.3', 'remaining length is longer than four bytes'),
  packetTooLarge: violation('MQTT 2.2.3', 'the packet is larger than its type can be'),
  truncated: violation('MQTT 2', 'a field reaches beyond the end of the packet'),
  excessBytes: violation('MQTT 2', 'bytes behind the last field'),
  packetId: violation('MQTT-2.3.1-1', 'packet identifier 0'),
  illFormedUtf8: violation('MQTT-1.5.3-1', 'a string is not well-formed UTF-8'),
  nullCharacter: violation('MQTT-1.5.3-2', 'a string contains U+0000'),
  notConnect: violation('MQTT-3.1.0-1', 'the first packet is not CONNECT'),
  secondConnect: violation('MQTT-3.1.0-2', 'a second CONNECT'),
  protocolName: violation('MQTT-3.1.2-1', 'not a protocol name of MQTT'),
  protocolLevel: violation('MQTT-3.1.2-2', 'protocol level is not supported', 1),
  connectReserved: violation('MQTT-3.1.2-3', 'the reserved CONNECT flag is set'),
  willQosWithoutWill: violation('MQTT-3.1.2-13', 'will QoS without a will'),
  willQos: violation('MQTT-3.1.2-14', 'will QoS 3'),
  willRetainWithoutWill: violation('MQTT-3.1.2-15', 'will retain without a will'),
  willTopic: violation('MQTT-3.3.2-2', 'will topic is empty or contains a wildcard'),
  passwordWithoutUserName: violation('MQTT-3.1.2-22', 'a password without a user name'),
  clientIdWithoutCleanSession: violation('MQTT-3.1.3-8', 'an empty client identifier with clean session 0', 2),
  clientIdLength: violation('MQTT-3.1.3-9', 'client identifier is too long, or empty in MQTT 3.1', 2),
  dupWithQos0: violation('MQTT-3.3.1-2', 'DUP with QoS 0'),
  qos3: violation('MQTT-3.3.1-4', 'PUBLISH with both QoS bits set'),
  topicWildcard: violation('MQTT-3.3.2-2', 'a topic name contains a wildcard'),
  emptyTopic: violation('MQTT-4.7.3-1', 'an empty topic name or filter'),
  multiLevelWildcard: violation('MQTT-4.7.1-2', '# is not a whole last level of the filter'),
  singleLevelWildcard: violation('MQTT-4.7.1-3', '+ is not a whole level of the filter'),
  noFilters: violation('MQTT-3.8.3-3', 'SUBSCRIBE without a topic filter'),
  noUnsubscribeFilters: violation('MQTT-3.10.3-2', 'UNSUBSCRIBE without a topic filter'),
  requestedQos: violation('MQTT-3-8.3-4', 'requested QoS is not 0, 1 or 2'),
} as const
