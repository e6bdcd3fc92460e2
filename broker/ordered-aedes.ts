import { Aedes, type AedesOptions, type AedesPublishPacket, type Client, type PublishPacket } from 'aedes'
import aedesPacket from 'aedes-packet'
import type { DeliveryBus } from './interest.ts'
import type { BrokerPersistence } from './ports.ts'

type Done = (error?: Error) => void

/** Numbers what it copies; its types do not say that it is a constructor, nor that it takes the broker that counts. */
const Packet = aedesPacket as unknown as new (message: PublishPacket, broker: Aedes) => AedesPublishPacket

/**
 * Aedes numbers what is published, and what a subscriber is given after a message of a higher number it takes for a
 * repetition and leaves out. Its own `publish` numbers at once and delivers some promises later, more of them for a
 * message that is retained or that waits for somebody offline: whatever it was overtaken by made it lost. Here a message
 * is numbered, kept and on its way to its subscribers in one step, so they get all in the order of the log [MQTT-4.6.0-6].
 */
export class OrderedAedes extends Aedes {
  readonly #bus: DeliveryBus
  readonly #persistence: Pick<BrokerPersistence, 'keep'>

  constructor(options: AedesOptions, bus: DeliveryBus, persistence: BrokerPersistence) {
    super({ ...options, mq: bus, persistence })
    this.#bus = bus
    this.#persistence = persistence
  }

  /** Aedes itself publishes wills and news of its own; wills of connected clients with the client. */
  override publish(message: PublishPacket, clientOrDone: Client | null | Done, done?: Done): void {
    const finish = typeof clientOrDone === 'function' ? clientOrDone : done
    const packet = new Packet(message, this)
    let failure: Error | undefined
    let left = 2
    const finished = (error?: Error | null) => {
      failure ??= error ?? undefined
      if (--left === 0) finish?.(failure)
    }
    if (packet.qos === 0 && !packet.retain) left = 1
    else this.#persistence.keep(packet).then(() => finished(), finished)
    this.#bus.emit(packet, finished)
  }
}
