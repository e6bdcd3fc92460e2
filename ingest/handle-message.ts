import type { Logger } from 'pino'
import { FrameCursor, frameFlags } from '../model/index.ts'
import type { IngestConfig } from './config.ts'
import type { Counters } from './counters.ts'
import { createDecoders } from './decoders/decoders.ts'
import { describeProblem, MessageDraft } from './draft.ts'
import { hashBytes } from './hash-bytes.ts'
import type { DeviceMemory } from './memory/device-memory.ts'
import type { Memory } from './memory/memory.ts'
import { Fate } from './message-ring.ts'
import { sameClockMs } from './message-time.ts'
import type { MessageViews } from './message-views.ts'
import type { RejectReason } from './ports.ts'
import type { Rejections } from './rejections.ts'
import type { Route, Routes } from './routes.ts'
import type { SeriesNaming } from './series-naming.ts'
import { createSettle } from './settle.ts'
import type { Step } from './step.ts'
import { noteSeen } from './watching.ts'

export interface MessageHandlerDeps {
  readonly memory: Memory
  readonly routes: Routes
  readonly naming: SeriesNaming
  readonly rejections: Rejections
  readonly counters: Counters
  readonly views: MessageViews
  readonly logger: Logger
}

/** Decode → validate → dedupe of one PUBLISH: into the memory, and what is to be stored into the step's effects. */
export type MessageHandler = (step: Step) => void

export function createMessageHandler(config: IngestConfig, deps: MessageHandlerDeps): MessageHandler {
  const { memory, routes, naming, rejections, counters, views, logger } = deps
  const decoders = createDecoders()
  const settle = createSettle(counters)
  const draftSettings = {
    maxMetrics: config.maxMetrics,
    lateHorizonMs: config.lateHorizonMs,
    addMetric: (device: DeviceMemory, name: string) => naming.addMetric(memory, device, name),
  }
  // Reused for every message, like the draft.
  const encoded = { bytes: new FrameCursor().bytes, start: 0, end: 0, metric: '' }
  const delivery = { origin: '', session: 0, packetId: 0, dup: false, hash: 0, receivedMs: 0 }
  const fate = new Fate()
  let draft: MessageDraft | undefined

  function reject(step: Step, route: Route, reason: RejectReason, detail: string): void {
    const { frame } = step
    const { device, deviceId = null, clientId } = route
    const share = device ?? route.sender
    fate.problem('rejected', reason, detail)
    rejections.add({ share, deviceId, clientId, topic: frame.topic(), reason, detail, payload: frame.payload() }, step)
  }

  /** Whether it is one that came before, where the times of its rows do not tell. */
  function isRepeated(decoded: MessageDraft, frame: FrameCursor, origin: string): boolean {
    const { device, untimed, ahead } = decoded
    const dup = (frame.flags & frameFlags.dup) !== 0
    if (!untimed && !ahead && !dup && device.aheadMessages.size === 0) return false
    // The topic's length is the seed: bytes that move from the topic to the payload make another message.
    const hash = hashBytes(frame.view, frame.topicStart, frame.end, frame.payloadStart - frame.topicStart)
    const redelivered = (untimed || ahead || dup) && isRedelivery(frame, origin, hash)
    // The same bytes with a time for each row are the same readings, in whatever session they come.
    return redelivered || (!untimed && isRepeatedAhead(decoded, hash))
  }

  function isRedelivery(frame: FrameCursor, origin: string, hash: number): boolean {
    // QoS 0 is not redelivered and has no packet identifier.
    if ((frame.flags & frameFlags.qosMask) === 0) return false
    delivery.origin = origin
    delivery.session = frame.session
    delivery.packetId = frame.packetId
    delivery.dup = (frame.flags & frameFlags.dup) !== 0
    delivery.hash = hash
    delivery.receivedMs = frame.receivedMs
    return memory.redeliveries.isRedelivery(delivery)
  }

  function isRepeatedAhead({ device, ahead, problems, receivedMs }: MessageDraft, hash: number): boolean {
    const seenMs = device.aheadMessages.get(hash)
    if (seenMs !== undefined) return ahead || receivedMs - seenMs <= sameClockMs
    // What could not be taken whole is looked at anew.
    if (ahead && problems.size === 0) device.aheadMessages.add(hash, receivedMs)
    return false
  }

  function decode(frame: FrameCursor, route: Route, device: DeviceMemory, kind: keyof typeof decoders): MessageDraft {
    draft ??= new MessageDraft(device, draftSettings)
    draft.begin(device, frame.receivedMs)
    encoded.bytes = frame.bytes
    encoded.start = frame.payloadStart
    encoded.end = frame.end
    encoded.metric = route.metric
    try {
      decoders[kind](encoded, draft)
    } catch (err) {
      // A mistake of ours costs this message, and not every start from now on.
      logger.error({ err, topic: frame.topic() }, 'message not decoded')
      draft.clear()
      draft.problem('wrong_shape', `decoding failed: ${err}`)
    }
    return draft
  }

  function take(step: Step, route: Route): void {
    const { frame } = step
    const { device, kind, sender } = route
    if (step.newReadings) counters.messages++
    if (sender !== undefined) noteSeen(step, sender)
    if (device === undefined || kind === undefined) {
      if (route.deviceId === undefined) reject(step, route, 'unknown_topic', frame.topic())
      else reject(step, route, 'unknown_device', route.deviceId)
      return
    }
    if (device.record.quarantine !== undefined) {
      // Nothing that it sends counts, to be there included: its silence is an alert like any other.
      reject(step, route, 'quarantined', device.record.quarantine.reason)
      return
    }
    noteSeen(step, device)
    const size = frame.end - frame.payloadStart
    // It only clears a retained message (MQTT 3.1.1, 3.3.1.3).
    if (size === 0 && (frame.flags & frameFlags.retain) !== 0) return
    if (size > config.maxPayloadBytes) {
      reject(step, route, 'payload_too_large', `${size} bytes`)
      return
    }
    const decoded = decode(frame, route, device, kind)
    if (isRepeated(decoded, frame, route.origin)) {
      if (step.newReadings) counters.redeliveries++
      fate.kind = 'repeated'
      return
    }
    settle(decoded, route, step)
    if (decoded.problems.size === 0) return
    for (const [reason, problem] of decoded.problems) reject(step, route, reason, describeProblem(problem))
    if (decoded.length > 0) fate.kind = 'partly'
  }

  return (step) => {
    const route = routes.resolve(step.frame)
    fate.clear()
    take(step, route)
    views.note(route.device ?? route.sender, step.frame, step.position, fate)
  }
}
