import type { Broker } from '../broker/index.ts'
import { type CredentialEnds, controlTopic, type DeviceRecord, removedDevice } from '../model/index.ts'
import type { BrokerService } from './services.ts'

const credentialPrefix = controlTopic.credential('')
const devicePrefix = 'device/'

/**
 * What the broker does about a change when the change's control frame passes on its way to the log. It cannot be missed:
 * a frame that does not get there stays in the outbox, and a restart ends every connection.
 *
 * A device that is removed is cut off before its removal is in the log, and forgotten once it is there: what it said until
 * then comes first. One that is quarantined is cut off as soon as the broker knows it (access.ts), so that it cannot slip in again.
 */
export function obeyingControls(
  append: BrokerService['appendControl'],
  broker: Broker,
): BrokerService['appendControl'] {
  return async (topic, payload) => {
    const removed = removedDevice(topic, payload)
    if (removed !== undefined) broker.disconnect(removed)
    else if (topic.startsWith(credentialPrefix)) broker.endSecrets(parsed<CredentialEnds>(payload))
    const appended = append(topic, payload)
    if (removed === undefined && topic.startsWith(devicePrefix)) {
      const { id, quarantine } = parsed<DeviceRecord>(payload)
      if (quarantine !== undefined) broker.disconnect(id)
    }
    const position = await appended
    if (removed !== undefined) broker.forget(removed)
    return position
  }
}

/** Written by our own state. */
function parsed<Payload>(payload: Uint8Array): Payload {
  return JSON.parse(Buffer.from(payload).toString()) as Payload
}
