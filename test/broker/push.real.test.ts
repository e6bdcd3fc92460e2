import mqtt from 'mqtt'
import { describe, expect, test } from 'vitest'
import { frameKind, parseDeviceId } from '../../model/index.ts'
import { waitUntil } from '../setup/wait.ts'
import { clientDefaults, startHarness } from './harness.ts'
import { slowDisk } from './slow-disk.ts'

const meter1 = parseDeviceId('meter1')
const message = (payload = '{"voltage":230}', limits = {}) => ({
  deviceId: meter1,
  principal: 'meter1',
  limits,
  limited: meter1,
  payload: Buffer.from(payload),
})

describe('telemetry that did not come by MQTT', () => {
  test('is answered when it is on disk, and not before', async () => {
    const disk = slowDisk()
    await using harness = await startHarness({ wrapAppender: disk.wrap })
    let answered = false
    const pushed = harness.broker.push(message()).then((outcome) => {
      answered = true
      return outcome
    })
    await waitUntil('it to wait for the disk', () => disk.waiting.length === 1)
    expect([answered, await harness.messages()]).toEqual([false, []])
    disk.release()
    expect(await pushed).toEqual({ kind: 'durable' })
    expect(await harness.messages()).toEqual([
      {
        kind: frameKind.message,
        flags: 1,
        packetId: 0,
        session: 0,
        principal: 'meter1',
        clientId: '',
        topic: 'pel/v1/meter1/telemetry',
        payload: '{"voltage":230}',
      },
    ])
    expect(harness.broker.stats().ackedTotal).toBe(1)
  })

  test('goes to those who subscribe, and waits for who is away', async () => {
    await using harness = await startHarness({ keys: { k1: 'all' } })
    const received: string[] = []
    const away = { clientId: 'away', clean: false } as const
    const first = await harness.client('key:k1', away)
    await first.subscribeAsync('pel/v1/+/telemetry', { qos: 1 })
    first.on('message', (topic, payload) => received.push(`${topic} ${payload}`))
    await harness.broker.push(message('1'))
    await waitUntil('the first', () => received.length === 1)
    await first.endAsync()
    await harness.broker.push(message('2'))
    const again = mqtt.connect({ ...clientDefaults('key:k1'), host: '127.0.0.1', port: harness.port, ...away })
    again.on('message', (topic, payload) => received.push(`${topic} ${payload}`))
    await waitUntil('the second', () => received.length === 2)
    again.end(true)
    expect(received).toEqual(['pel/v1/meter1/telemetry 1', 'pel/v1/meter1/telemetry 2'])
  })

  test('has the limits of MQTT: what is too large or too fast is not taken', async () => {
    await using harness = await startHarness({ config: { payloadBytes: 100 } })
    const { push } = harness.broker
    expect(await push(message('x'.repeat(101)))).toEqual({ kind: 'payload_too_large', bytesMax: 100 })
    expect(await push(message('x'.repeat(11), { payloadBytes: 10 }))).toMatchObject({ bytesMax: 10 })
    const slow = { messagesPerS: 2 }
    const outcomes = []
    for (let i = 0; i < 4; i++) outcomes.push(await push(message('{}', slow)))
    expect(outcomes.map(({ kind }) => kind)).toEqual(['durable', 'durable', 'too_fast', 'too_fast'])
    expect(outcomes.at(-1)).toEqual({ kind: 'too_fast', messagesPerS: 2, waitMs: 500 })
    expect(await harness.messages()).toHaveLength(2)
  })

  test('is refused while the log is full, and when it does not get to the disk', async () => {
    const disk = slowDisk()
    await using harness = await startHarness({ wrapAppender: disk.wrap })
    disk.state.full = true
    await expect(harness.broker.push(message())).rejects.toMatchObject({ code: 'log_full', retryable: true })
    expect(disk.waiting).toEqual([])
    disk.state.full = false
    const pushed = harness.broker.push(message())
    const [waiting] = await waitUntil('it to wait', () => disk.waiting.length === 1 && disk.waiting)
    waiting?.done(new Error('the disk has gone'))
    await expect(pushed).rejects.toThrow('the disk has gone')
  })

  test('waits while publishers are held back', async () => {
    const disk = slowDisk()
    await using harness = await startHarness({ wrapAppender: disk.wrap, config: { waitingBytes: 1_024 } })
    const large = harness.broker.push(message('x'.repeat(2_000)))
    await waitUntil('the large one', () => disk.waiting.length === 1)
    const small = harness.broker.push(message('2'))
    disk.release()
    await large
    await waitUntil('the small one', () => disk.waiting.length === 1)
    disk.release()
    expect(await small).toEqual({ kind: 'durable' })
    expect((await harness.messages()).map(({ payload }) => payload.length)).toEqual([2_000, 1])
  })

  test('that was refused is listed, with what was wrong, ten a second', async () => {
    await using harness = await startHarness()
    const refused = { deviceId: meter1, reason: 'not_json', detail: 'no \0 JSON', payload: Buffer.from('{') }
    for (let i = 0; i < 30; i++) harness.broker.refusePush(refused)
    const frames = await waitUntil('the refusals', async () => {
      const found = await harness.frames(frameKind.refusal)
      return found.length >= 10 && found
    })
    expect(frames.length).toBeLessThan(15)
    expect(frames[0]).toMatchObject({
      principal: 'meter1',
      clientId: '',
      topic: 'pel/v1/meter1/telemetry',
      payload: 'not_json: no   JSON\0{',
    })
  })
})
