import { expect, test } from 'vitest'
import { waitUntil } from '../setup/wait.ts'
import { startHarness } from './harness.ts'
import { connectAs, type PublishParts, publishPacket } from './wire.ts'

const keys = { k1: 'all', away: 'all' } as const
const [telemetry, info] = ['pel/v1/meter1/telemetry', 'pel/v1/meter1/info']
const count = 300

interface Mixture {
  readonly name: string
  readonly odd: PublishParts
  readonly even: PublishParts
  readonly clean: boolean
  /** What somebody who is away has subscribed to. */
  readonly awaited?: string
}

const mixtures: readonly Mixture[] = [
  { name: 'retained and not', odd: { topic: info, retain: true }, even: {}, clean: true },
  { name: 'retained and not, to a session', odd: { topic: info, retain: true }, even: {}, clean: false },
  { name: 'of one topic, retained and not', odd: { retain: true }, even: {}, clean: true },
  { name: 'awaited by somebody offline and not', odd: {}, even: { topic: info }, clean: true, awaited: telemetry },
]

test.each(mixtures)(
  'a subscriber gets all that is acknowledged, in its order: $name',
  async ({ odd, even, clean, awaited }) => {
    await using harness = await startHarness({ keys })
    if (awaited !== undefined) {
      const away = await harness.client('key:away', { clientId: 'away', clean: false })
      await away.subscribeAsync(awaited, { qos: 1 })
      await away.endAsync()
    }
    const subscriber = await harness.client('key:k1', { clean })
    const received: string[] = []
    subscriber.on('message', (_topic, payload) => received.push(String(payload)))
    await subscriber.subscribeAsync('pel/v1/#', { qos: 1 })
    const numbers = Array.from({ length: count }, (_, i) => i + 1)
    const meter = await harness.raw()
    meter.send(
      connectAs('meter1'),
      ...numbers.map((i) => publishPacket({ ...(i % 2 === 1 ? odd : even), packetId: i, payload: `${i}` })),
    )
    await waitUntil('all deliveries', () => received.length >= count)
    expect(received).toEqual(numbers.map(String))
  },
)
