import type { Logger } from 'pino'
import { type FrameCursor, parseDeviceId, parseProfileId } from '../model/index.ts'
import type { Memory } from './memory/memory.ts'
import { deviceRecordSchema, profileRecordSchema } from './memory/record-schemas.ts'

/**
 * A record of state as the log tells it: `profile/{id}`, `device/{id}`; an empty payload says that it is gone. Other
 * records are for others. One that cannot be read is logged and passed over: stopping would help nobody.
 */
export function handleControl(frame: FrameCursor, memory: Memory, logger: Logger): void {
  const topic = frame.topic()
  const kind = topic.slice(0, topic.indexOf('/'))
  if (kind !== 'profile' && kind !== 'device') return
  const id = topic.slice(kind.length + 1)
  const bytes = Uint8Array.from(frame.payload())
  try {
    if (kind === 'device') {
      if (bytes.length > 0) memory.setDevice(deviceRecordSchema.parse(JSON.parse(frame.payload().toString())), bytes)
      else memory.removeDevice(parseDeviceId(id))
    } else if (bytes.length > 0)
      memory.setProfile(profileRecordSchema.parse(JSON.parse(frame.payload().toString())), bytes)
    else memory.removeProfile(parseProfileId(id))
  } catch (err) {
    logger.error({ err, topic }, 'control frame not understood')
  }
}
