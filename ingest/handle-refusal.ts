import type { FrameCursor } from '../model/index.ts'
import type { DeviceMemory } from './memory/device-memory.ts'
import type { Memory } from './memory/memory.ts'
import { Fate } from './message-ring.ts'
import type { MessageViews } from './message-views.ts'
import { type RejectReason, rejectReasons } from './ports.ts'
import { splitRefusal } from './refusal-payload.ts'
import type { Rejections } from './rejections.ts'
import type { Step } from './step.ts'
import { noteSeen } from './watching.ts'

/** A PUBLISH that the broker refused. */
export function handleRefusal(step: Step, memory: Memory, rejections: Rejections, views: MessageViews): void {
  const { frame } = step
  const device = memory.deviceOfPrincipal(frame.principal())
  const { code, said, payload } = splitRefusal(frame)
  if (device !== undefined && device.record.quarantine === undefined) noteSeen(step, device)
  const known = rejectReasons.find((reason) => reason === code)
  const reason: RejectReason = known ?? 'forbidden_topic'
  const detail = known === undefined ? `refused: ${code}` : (said ?? describe(reason, frame, device, payload))
  const deviceId = device?.record.id ?? null
  rejections.add(
    { share: device, deviceId, clientId: frame.clientId(), topic: frame.topic(), reason, detail, payload },
    step,
  )
  const fate = new Fate()
  fate.problem('refused', reason, detail)
  views.note(device, frame, step.position, fate)
}

/** What the reason leaves open. */
function describe(reason: RejectReason, frame: FrameCursor, device: DeviceMemory | undefined, payload: Buffer): string {
  const who = frame.principal()
  switch (reason) {
    case 'topic_too_deep':
      return `${frame.topic().split('/').length} levels`
    case 'payload_too_large': {
      const own = device?.record.limits.payloadBytes
      return own === undefined ? 'more than MQTT_PAYLOAD_BYTES' : `more than the ${own} bytes of ${who}`
    }
    case 'quarantined':
      return `tried to connect from ${payload}`
    default:
      return device === undefined
        ? `${who} is no device, and only devices publish`
        : `${who} publishes for itself and for devices whose gatewayId it is`
  }
}
