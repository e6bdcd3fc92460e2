import { byteAt, uint16At } from './bytes.ts'
import { checkConnect } from './connect.ts'
import { checkFixedHeader, packetType } from './header.ts'
import { PublishView } from './publish.ts'
import { checkTopicFilter, checkTopicName } from './text.ts'
import { type Violation, violations } from './violation.ts'

/** One whole packet from a client, `start` its first byte, `body` behind its fixed header, `end` behind its last. */
export function checkPacket(bytes: Uint8Array, start: number, body: number, end: number): Violation | undefined {
  const first = byteAt(bytes, start)
  return checkFixedHeader(first, end - body) ?? checkBody(first >> 4, bytes, start, body, end)
}

function checkBody(type: number, bytes: Uint8Array, start: number, body: number, end: number): Violation | undefined {
  switch (type) {
    case packetType.connect:
      return checkConnect(bytes, body, end)
    case packetType.publish: {
      const view = new PublishView()
      return view.read(bytes, start, body, end) ?? checkTopicName(bytes, view.topicStart, view.topicEnd)
    }
    case packetType.puback:
    case packetType.pubrec:
    case packetType.pubrel:
    case packetType.pubcomp:
      return uint16At(bytes, body) === 0 ? violations.packetId : undefined
    case packetType.subscribe:
      return checkFilters(bytes, body, end, 1, violations.noFilters)
    case packetType.unsubscribe:
      return checkFilters(bytes, body, end, 0, violations.noUnsubscribeFilters)
    default:
      return undefined
  }
}

/** Filters, each followed by `optionBytes` with the requested QoS. */
function checkFilters(
  bytes: Uint8Array,
  body: number,
  end: number,
  optionBytes: 0 | 1,
  none: Violation,
): Violation | undefined {
  if (body + 2 > end) return violations.truncated
  if (uint16At(bytes, body) === 0) return violations.packetId
  let at = body + 2
  if (at === end) return none
  while (at < end) {
    if (at + 2 > end) return violations.truncated
    const filterEnd = at + 2 + uint16At(bytes, at)
    if (filterEnd + optionBytes > end) return violations.truncated
    const wrong = checkTopicFilter(bytes, at + 2, filterEnd)
    if (wrong !== undefined) return wrong
    if (optionBytes === 1 && byteAt(bytes, filterEnd) > 2) return violations.requestedQos
    at = filterEnd + optionBytes
  }
  return undefined
}
