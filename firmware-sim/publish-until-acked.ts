import type { IClientPublishOptions, MqttClient } from 'mqtt'

export interface Outgoing {
  readonly topic: string
  readonly payload: string
  readonly options: IClientPublishOptions
}

/**
 * Calls back once the message is acknowledged (QoS 0: handed to the network), over as many connections as it takes; never,
 * when the client is ended before. The package sees to that itself but for one case: what it is given while it still sends
 * again what an earlier connection left, it fails unsent when this connection breaks too.
 */
export function publishUntilAcked(client: MqttClient, message: Outgoing, onAcked: () => void): void {
  client.publish(message.topic, message.payload, message.options, (error) => {
    if (!error) onAcked()
    // Not at once: the package is about to empty the queue that it would enter.
    else if (error.message === 'Connection closed')
      queueMicrotask(() => {
        if (!client.disconnecting) publishUntilAcked(client, message, onAcked)
      })
  })
}
