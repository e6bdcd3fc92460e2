import { byteAt, uint16At } from './bytes.ts'
import { type Violation, violations } from './violation.ts'

/** Where the parts of one PUBLISH lie; one object, reused for every packet. */
export class PublishView {
  qos: 0 | 1 | 2 = 0
  dup = false
  retain = false
  /** 0 with QoS 0. */
  packetId = 0
  topicStart = 0
  topicEnd = 0
  payloadStart = 0
  end = 0

  /** Takes a packet apart but for its topic, which `checkTopicName` looks into. */
  read(bytes: Uint8Array, start: number, body: number, end: number): Violation | undefined {
    const first = byteAt(bytes, start)
    const qos = (first >> 1) & 0b11
    if (qos === 3) return violations.qos3
    this.qos = qos as 0 | 1 | 2
    this.dup = (first & 0b1000) !== 0
    this.retain = (first & 0b0001) !== 0
    this.topicStart = body + 2
    this.topicEnd = body + 2 + uint16At(bytes, body)
    this.payloadStart = qos === 0 ? this.topicEnd : this.topicEnd + 2
    this.end = end
    if (body + 2 > end || this.payloadStart > end) return violations.truncated
    if (qos === 0) {
      this.packetId = 0
      return this.dup ? violations.dupWithQos0 : undefined
    }
    this.packetId = uint16At(bytes, this.topicEnd)
    return this.packetId === 0 ? violations.packetId : undefined
  }
}
