import type { Broker } from '../broker/index.ts'
import { type CredentialEnds, controlTopic, removedDevice } from '../model/index.ts'
import type { BrokerService } from './services.ts'

const credentialPrefix = controlTopic.credential('')

/**
 * What the broker does about a change when the change's control frame passes on its way to the log. It cannot be missed:
 * a frame that does not get there stays in the outbox, and a restart ends every connection.
 *
 * A device that is removed is cut off before its removal is in the log, and forgotten once it is there: what it said until
 * then comes first.
 */
export function obeyingControls(
  append: BrokerService['appendControl'],
  broker: Broker,
): BrokerService['appendControl'] {
  return async (topic, payload) => {
    const removed = removedDevice(topic, payload)
    if (removed !== undefined) broker.disconnect(removed)
    else if (topic.startsWith(credentialPrefix)) broker.endSecrets(endsOf(payload))
    const position = await append(topic, payload)
    if (removed !== undefined) broker.forget(removed)
    return position
  }
}

/** Written by our own state (credential-writes.ts). */
function endsOf(payload: Uint8Array): CredentialEnds {
  return JSON.parse(Buffer.from(payload).toString()) as CredentialEnds
}
