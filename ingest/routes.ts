import { type DeviceId, type FrameCursor, resolveTopic, type TopicMeaning, type TopicRules } from '../model/index.ts'
import { hashBytes, sameBytes } from './hash-bytes.ts'
import type { DeviceMemory } from './memory/device-memory.ts'
import type { Memory } from './memory/memory.ts'

/** What the origin and topic of a message say, worked out once. */
export interface Route {
  /** Undefined: a topic that means nothing. */
  readonly kind: TopicMeaning['kind'] | undefined
  /** The device that the topic names; undefined: it names none, or one that is not registered. */
  readonly device: DeviceMemory | undefined
  readonly deviceId: DeviceId | undefined
  /** Of a scalar topic, else ''. */
  readonly metric: string
  /** The device that sent it, when that is another one: a gateway. */
  readonly sender: DeviceMemory | undefined
  readonly clientId: string
  /** Principal and client id, as one key. */
  readonly origin: string
}

interface Slot {
  readonly route: Route
  readonly key: DataView
  readonly originBytes: number
  readonly registryVersion: number
}

export interface Routes {
  resolve(frame: FrameCursor): Route
}

/** Routes are kept in so many places, two for each hash; a newer one takes the place of an older. */
const places = 2 ** 16
/** Longer client ids and topics are worked out each time, so that the places stay small. */
const longestKey = 512

/** Origin and topic lie side by side in a frame; their bytes find the route without a string being made. */
export function createRoutes(memory: Memory, rules: TopicRules): Routes {
  const kept: (Slot | undefined)[] = new Array(places).fill(undefined)

  function fits(slot: Slot | undefined, frame: FrameCursor): slot is Slot {
    const length = frame.payloadStart - frame.originStart
    return (
      slot !== undefined &&
      slot.registryVersion === memory.registryVersion &&
      slot.key.byteLength === length &&
      slot.originBytes === frame.topicStart - frame.originStart &&
      sameBytes(frame.view, frame.originStart, slot.key, 0, length)
    )
  }

  function workOut(frame: FrameCursor): Route {
    const principal = frame.principal()
    const clientId = frame.clientId()
    const meaning = resolveTopic(frame.topic(), rules)
    const device = meaning === undefined ? undefined : memory.devices.get(meaning.deviceId)
    const sender = memory.deviceOfPrincipal(principal)
    return {
      kind: meaning?.kind,
      device,
      deviceId: meaning?.deviceId,
      metric: meaning?.kind === 'scalar' ? meaning.metric : '',
      sender: sender === device ? undefined : sender,
      clientId,
      origin: `${principal}\0${clientId}`,
    }
  }

  return {
    resolve(frame) {
      if (frame.payloadStart - frame.originStart > longestKey) return workOut(frame)
      const place = hashBytes(frame.view, frame.originStart, frame.payloadStart, 0) & (places - 1)
      const first = kept[place]
      if (fits(first, frame)) return first.route
      const second = kept[place ^ 1]
      if (fits(second, frame)) return second.route
      const route = workOut(frame)
      const copy = frame.bytes.buffer.slice(
        frame.bytes.byteOffset + frame.originStart,
        frame.bytes.byteOffset + frame.payloadStart,
      )
      kept[place ^ 1] = first
      kept[place] = {
        route,
        key: new DataView(copy),
        originBytes: frame.topicStart - frame.originStart,
        registryVersion: memory.registryVersion,
      }
      return route
    },
  }
}
