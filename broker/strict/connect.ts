import { byteAt, uint16At } from './bytes.ts'
import { checkText, checkTopicName } from './text.ts'
import { type Violation, violations } from './violation.ts'

/** Policy [MQTT-3.1.3-6]: long enough for any UUID with a prefix, short enough for a key of the session store. */
const maxClientIdBytes = 256
/** MQTT 3.1: a client identifier has 1 to 23 characters. */
const maxOldClientIdChars = 23

const flag = { reserved: 0x01, clean: 0x02, will: 0x04, willRetain: 0x20, password: 0x40, userName: 0x80 } as const

/** The body of a CONNECT, `from` its protocol name `to` the end of the packet. */
export function checkConnect(bytes: Uint8Array, from: number, to: number): Violation | undefined {
  const nameEnd = fieldEnd(bytes, from, to)
  if (nameEnd < 0) return violations.truncated
  const supportedLevel = levelOf(bytes, from + 2, nameEnd)
  if (supportedLevel === undefined) return violations.protocolName
  if (nameEnd >= to) return violations.truncated
  if (byteAt(bytes, nameEnd) !== supportedLevel) return violations.protocolLevel
  if (nameEnd + 4 > to) return violations.truncated
  const flags = byteAt(bytes, nameEnd + 1)
  return checkFlags(flags) ?? checkFields(bytes, nameEnd + 4, to, flags, supportedLevel)
}

/** The protocol level that goes with the name: `MQTT` 4 (3.1.1), `MQIsdp` 3 (3.1). */
function levelOf(bytes: Uint8Array, from: number, to: number): 3 | 4 | undefined {
  if (spells(bytes, from, to, 'MQTT')) return 4
  if (spells(bytes, from, to, 'MQIsdp')) return 3
  return undefined
}

function spells(bytes: Uint8Array, from: number, to: number, text: string): boolean {
  if (to - from !== text.length) return false
  for (let i = 0; i < text.length; i++) if (byteAt(bytes, from + i) !== text.charCodeAt(i)) return false
  return true
}

function checkFlags(flags: number): Violation | undefined {
  const willQos = (flags >> 3) & 0b11
  if (flags & flag.reserved) return violations.connectReserved
  if (!(flags & flag.will) && willQos !== 0) return violations.willQosWithoutWill
  if (!(flags & flag.will) && flags & flag.willRetain) return violations.willRetainWithoutWill
  if (willQos === 3) return violations.willQos
  if (flags & flag.password && !(flags & flag.userName)) return violations.passwordWithoutUserName
  return undefined
}

/** The payload's fields appear as the flags say, in this order [MQTT-3.1.3-1], and nothing behind them. */
function checkFields(bytes: Uint8Array, from: number, to: number, flags: number, level: 3 | 4): Violation | undefined {
  const clientIdEnd = fieldEnd(bytes, from, to)
  if (clientIdEnd < 0) return violations.truncated
  let wrong = checkText(bytes, from + 2, clientIdEnd)
  let at = clientIdEnd
  if (flags & flag.will) {
    const topicEnd = fieldEnd(bytes, at, to)
    if (topicEnd < 0) return violations.truncated
    const topic = checkTopicName(bytes, at + 2, topicEnd)
    const isTopicRule = topic === violations.emptyTopic || topic === violations.topicWildcard
    wrong ??= isTopicRule ? violations.willTopic : topic
    at = fieldEnd(bytes, topicEnd, to)
    if (at < 0) return violations.truncated
  }
  if (flags & flag.userName) {
    const userNameEnd = fieldEnd(bytes, at, to)
    if (userNameEnd < 0) return violations.truncated
    wrong ??= checkText(bytes, at + 2, userNameEnd)
    at = userNameEnd
  }
  if (flags & flag.password) at = fieldEnd(bytes, at, to)
  if (at < 0) return violations.truncated
  if (at < to) return violations.excessBytes
  return wrong ?? checkClientId(bytes, from + 2, clientIdEnd, (flags & flag.clean) !== 0, level)
}

function checkClientId(
  bytes: Uint8Array,
  from: number,
  to: number,
  clean: boolean,
  level: 3 | 4,
): Violation | undefined {
  if (to - from > maxClientIdBytes) return violations.clientIdLength
  if (level === 3)
    return from === to || chars(bytes, from, to) > maxOldClientIdChars ? violations.clientIdLength : undefined
  return from === to && !clean ? violations.clientIdWithoutCleanSession : undefined
}

/** Characters of well-formed UTF-8: every byte that does not continue another. */
function chars(bytes: Uint8Array, from: number, to: number): number {
  let count = 0
  for (let i = from; i < to; i++) if ((byteAt(bytes, i) & 0xc0) !== 0x80) count++
  return count
}

/** End of the length-prefixed field at `at`; -1: it reaches beyond the packet. */
function fieldEnd(bytes: Uint8Array, at: number, to: number): number {
  if (at + 2 > to) return -1
  const end = at + 2 + uint16At(bytes, at)
  return end > to ? -1 : end
}
