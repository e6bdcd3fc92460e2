import { type DoneCallback, type Packet, Store } from 'mqtt'

/**
 * Outgoing messages of a session that goes on. What is kept here is only ever sent *again*, and must then say so
 * [MQTT-3.3.1-1]: the package itself never sets DUP (mqttjs/MQTT.js#692).
 */
export class RedeliveryStore extends Store {
  override put(packet: Packet, done: DoneCallback): this {
    return super.put(packet.cmd === 'publish' ? { ...packet, dup: true } : packet, done)
  }
}
