import { connectAsync } from 'mqtt'
import { expect, test } from 'vitest'
import { describeUnless } from '../setup/require-tool.ts'
import { openSmallDisk, smallDiskKind } from '../setup/small-disk.ts'
import { waitUntil } from '../setup/wait.ts'
import { startPlatform } from './platform.ts'

const kind = smallDiskKind()

describeUnless(
  kind === undefined ? 'a small file system can neither be mounted nor found' : undefined,
  'a full disk',
  () => {
    test('lets no PUBACK leave, drops QoS 0 and counts it, and everything goes on when there is room', async () => {
      using disk = openSmallDisk(kind ?? 'mount', 160)
      await using platform = await startPlatform({
        dataDir: `${disk.path}/data`,
        env: {
          LOG_SEGMENT_BYTES: String(1024 * 1024),
          LOG_MAX_BYTES: String(32 * 1024 * 1024),
          LOG_RESERVE_BYTES: '8388608',
        },
      })
      const { client } = platform
      const { id, token } = await client.createDevice({ id: 'meter-1', profileId: 'meter-1ph' })
      const topic = `pel/v1/${id}/telemetry`
      const mqtt = await connectAsync(`mqtt://127.0.0.1:${platform.mqttPort}`, {
        clientId: id,
        username: id,
        password: token,
        clean: false,
        reconnectPeriod: 100,
      })
      mqtt.on('error', () => {})
      const startMs = Date.now() - 3_600_000
      let sent = 0
      const ackedTimes = new Set<number>()
      const publish = () => {
        const ts = startMs + ++sent
        mqtt.publish(topic, JSON.stringify({ ts, values: { voltage: 230 } }), { qos: 1 }, (error) => {
          if (!error) ackedTimes.add(ts)
        })
      }
      const dropped = async () => (await client.status()).broker.droppedQos0Total

      for (let i = 0; i < 100; i++) publish()
      await waitUntil('acknowledgements before', () => ackedTimes.size === 100)

      disk.fill()
      await waitUntil('the log to be full', async () => {
        await mqtt.publishAsync(topic, '{"current":1}', { qos: 0 })
        return (await client.status()).log.full
      })
      const ackedBefore = ackedTimes.size
      const droppedBefore = await dropped()
      for (let i = 0; i < 50; i++) publish()
      // On the same connection and behind them: once it is dropped, they have all been looked at.
      await waitUntil('QoS 0 to be dropped', async () => {
        await mqtt.publishAsync(topic, '{"current":2}', { qos: 0 })
        return (await dropped()) > droppedBefore
      })
      expect(ackedTimes.size).toBe(ackedBefore)
      expect(platform.running).toBe(true)
      const counted = (await client.metrics()).split('\n').find((line) => /^[a-z_]*qos0[a-z_]* \d/.test(line))
      expect(Number(counted?.split(' ')[1])).toBeGreaterThan(droppedBefore)

      disk.makeRoom()
      await waitUntil('acknowledgements afterwards', () => ackedTimes.size === sent)
      publish()
      await waitUntil('the next acknowledgement', () => ackedTimes.size === sent)
      await mqtt.endAsync()
      const stored = await waitUntil('the readings', async () => {
        const items = await Array.fromAsync(client.readings(id, 'voltage'))
        return items.length >= ackedTimes.size && items
      })
      expect(stored.map(({ time }) => Date.parse(time))).toEqual([...ackedTimes].sort((a, b) => a - b))

      // What was written while there was little room is still there after a crash.
      await platform.kill()
      await platform.start()
      await waitUntil('the readings again', async () => {
        return (await Array.fromAsync(client.readings(id, 'voltage'))).length === ackedTimes.size
      })
    })
  },
)
