import { describe, expect, test } from 'vitest'
import { parseDeviceId } from '../../model/index.ts'
import { noon } from './frame-script.ts'
import { LimitWatch } from './limit-watch.ts'
import { presenceOf, World } from './world.ts'

const minuteMs = 60_000

describe('presence', () => {
  test('is online while a session is open, through restarts of ingest', async () => {
    const world = new World()
    world.script.device('m1', 1).presence('connected', 'm1/a').presence('connected', 'm1/b')
    expect(await presenceOf(await world.digest(), 'm1')).toMatchObject({
      online: true,
      sessions: 2,
      connectsLastHour: 2,
    })
    world.script.presence('disconnected', 'm1/a')
    expect(await presenceOf(await world.digest(), 'm1')).toMatchObject({ online: true, sessions: 1 })
    world.script.pass(minuteMs).presence('disconnected', 'm1/b')
    expect(await presenceOf(await world.digest(), 'm1')).toMatchObject({
      online: false,
      sessions: 0,
      lastSeenMs: noon + minuteMs,
    })
  })

  test('nobody is connected when the broker has just started', async () => {
    const world = new World()
    world.script.device('m1', 1).presence('connected', 'm1/a').presence('broker-started')
    expect(await presenceOf(await world.digest(), 'm1')).toMatchObject({ online: false, sessions: 0 })
  })

  test('ten connections in an hour are flapping, until an hour has passed', async () => {
    const world = new World()
    world.script.device('m1', 1)
    for (let i = 0; i < 10; i++)
      world.script.pass(minuteMs).presence('connected', 'm1/a').presence('disconnected', 'm1/a')
    expect(await presenceOf(await world.digest(), 'm1')).toMatchObject({ connectsLastHour: 10, flapping: true })
    world.script.pass(52 * minuteMs).tick()
    expect(await presenceOf(await world.digest(), 'm1')).toMatchObject({ connectsLastHour: 8, flapping: false })
  })

  test('a message is a sign of life of its device and of the gateway that sent it', async () => {
    const world = new World()
    world.script
      .device('gate', 1)
      .device('m1', 2, { gatewayId: parseDeviceId('gate') })
      .pass(minuteMs)
      .telemetry('m1', { voltage: 1 }, { from: 'gate/g' })
    const ingest = await world.digest()
    expect((await presenceOf(ingest, 'm1'))?.lastSeenMs).toBe(noon + minuteMs)
    expect((await presenceOf(ingest, 'gate'))?.lastSeenMs).toBe(noon + minuteMs)
  })

  test('a device behind a gateway is online while it says so and the gateway is connected', async () => {
    const world = new World()
    world.script
      .device('gate', 1)
      .device('m1', 2, { gatewayId: parseDeviceId('gate') })
      .presence('connected', 'gate/g')
      .publish('pel/v1/m1/status', 'online', { from: 'gate/g', retain: true })
    expect(await presenceOf(await world.digest(), 'm1')).toMatchObject({ online: true, sessions: 0 })
    world.script.presence('disconnected', 'gate/g')
    expect((await presenceOf(await world.digest(), 'm1'))?.online).toBe(false)
    world.script.presence('connected', 'gate/g').publish('pel/v1/m1/status', 'offline', { from: 'gate/g' })
    expect((await presenceOf(await world.digest(), 'm1'))?.online).toBe(false)
  })

  test('a device behind a gateway is online with the readings that the gateway brings, until it is said to be offline', async () => {
    const world = new World()
    world.script
      .device('gate', 1)
      .device('m1', 2, { gatewayId: parseDeviceId('gate') })
      .presence('connected', 'gate/g')
    expect((await presenceOf(await world.digest(), 'm1'))?.online).toBe(false)
    world.script.telemetry('m1', { voltage: 1 }, { from: 'gate/g' })
    expect((await presenceOf(await world.digest(), 'm1'))?.online).toBe(true)
    world.script.publish('pel/v1/m1/status', 'offline', { from: 'gate/g' })
    expect((await presenceOf(await world.digest(), 'm1'))?.online).toBe(false)
    world.script.telemetry('m1', { voltage: 2 }, { from: 'gate/g' })
    expect((await presenceOf(await world.digest(), 'm1'))?.online).toBe(true)
  })

  test('a status that says online does not outlive the connection of its device', async () => {
    const world = new World()
    world.script
      .device('m1', 1)
      .presence('connected', 'm1/a')
      .publish('pel/v1/m1/status', 'online', { from: 'm1/a' })
      .presence('disconnected', 'm1/a')
    expect((await presenceOf(await world.digest(), 'm1'))?.online).toBe(false)
  })

  test('of a device that is not known was never seen', async () => {
    const ingest = await new World().digest()
    expect(await presenceOf(ingest, 'ghost')).toMatchObject({ online: false, lastSeenMs: null })
  })

  test('goes with the device; another one under the same id begins anew', async () => {
    const world = new World()
    world.script.device('m1', 1).presence('connected', 'm1/a').telemetry('m1', { voltage: 1 })
    world.script.device('m1', 2).pass(1000).telemetry('m1', { voltage: 2 })
    const ingest = await world.digest()
    expect(await presenceOf(ingest, 'm1')).toMatchObject({ online: false, sessions: 0 })
    expect(await world.content()).toEqual({ 'm1 1 voltage': [[0, 1, 0]], 'm1 2 voltage': [[1000, 2, 0]] })
  })
})

describe('what a device says of itself', () => {
  test('is kept through restarts, within bounds', async () => {
    const world = new World()
    world.script
      .device('m1', 1)
      .publish('pel/v1/m1/info', `{"model":"X1","firmware":"1.2","ports":4,"long":"${'x'.repeat(300)}","nested":{}}`)
    await world.digest()
    world.script.tick()
    expect((await presenceOf(await world.digest(), 'm1'))?.info).toEqual({ model: 'X1', firmware: '1.2', ports: 4 })
    expect(world.rejected.map(({ reason }) => reason)).toEqual(['wrong_type'])
  })

  test('that is no object, or a status that is neither online nor offline, is rejected', async () => {
    const world = new World()
    world.script.device('m1', 1).publish('pel/v1/m1/info', '[]').publish('pel/v1/m1/status', 'maybe')
    await world.digest()
    expect(world.rejected.map(({ reason }) => reason)).toEqual(['wrong_shape', 'wrong_shape'])
  })

  test('an empty retained message only clears the broker and is no mistake', async () => {
    const world = new World()
    world.script.device('m1', 1).publish('pel/v1/m1/info', '', { retain: true })
    await world.digest()
    expect(world.rejected).toEqual([])
  })
})

describe('a device in quarantine', () => {
  const quarantine = { reason: 'It floods', sinceMs: noon, by: 'k1' }

  test('has nothing of what is sent for it stored, and is not there; before and after it is', async () => {
    const world = new World()
    world.script
      .device('gate', 1)
      .device('m1', 2, { gatewayId: parseDeviceId('gate') })
      .telemetry('m1', { voltage: 1 }, { from: 'gate/c' })
      .pass(1_000)
      .device('m1', 2, { gatewayId: parseDeviceId('gate'), quarantine })
      .pass(1_000)
      .telemetry('m1', { voltage: 2 }, { from: 'gate/c' })
      .publish('panel/m1/volt', '3', { from: 'gate/c' })
      .pass(1_000)
      .device('m1', 2, { gatewayId: parseDeviceId('gate') })
      .pass(1_000)
      .telemetry('m1', { voltage: 4 }, { from: 'gate/c' })
    await world.digest()
    expect(await world.stored('m1', 'voltage')).toEqual([
      [0, 1, 0],
      [4_000, 4, 0],
    ])
    expect(world.rejected.map(({ reason, deviceId, topic, detail }) => [reason, deviceId, topic, detail])).toEqual([
      ['quarantined', 'm1', 'pel/v1/m1/telemetry', 'It floods'],
      ['quarantined', 'm1', 'panel/m1/volt', 'It floods'],
    ])
  })

  test('is listed with where it tried to connect from, and not seen for that', async () => {
    const world = new World()
    world.script.device('m1', 1, { quarantine }).refusal('', 'quarantined', '10.0.0.7', 'm1/c9')
    await world.digest()
    expect(world.rejected).toMatchObject([
      { deviceId: 'm1', clientId: 'c9', topic: '', reason: 'quarantined', detail: 'tried to connect from 10.0.0.7' },
    ])
  })

  test('is silent to the rules, whatever is sent for it', async () => {
    const world = new World()
    world.script.device('m1', 1).telemetry('m1', { voltage: 1 }).device('m1', 1, { quarantine })
    for (let minute = 1; minute <= 4; minute++)
      world.script.pass(minuteMs).telemetry('m1', { voltage: 300 }).refusal('', 'quarantined', '10.0.0.7', 'm1/c9')
    await world.digest({}, { evaluator: new LimitWatch(world.sink) })
    expect(world.recorded).toMatchObject([{ text: expect.stringContaining('silent') }])
  })
})

describe('what the broker refused', () => {
  test('is listed with its reason, its device and its payload', async () => {
    const world = new World()
    world.script.device('m1', 1).refusal('pel/v1/m2/telemetry', 'forbidden_topic', 'abc', 'm1/c9')
    await world.digest()
    expect(world.rejected).toMatchObject([
      { deviceId: 'm1', clientId: 'c9', topic: 'pel/v1/m2/telemetry', reason: 'forbidden_topic' },
    ])
    expect(Buffer.from(world.rejected[0]?.payload ?? []).toString()).toBe('abc')
  })

  test('says what the reason leaves open', async () => {
    const world = new World()
    world.script
      .device('m1', 1)
      .device('m2', 2, { limits: { payloadBytes: 100 } })
      .refusal('pel/v1/m2/telemetry', 'forbidden_topic', 'x', 'm1/c')
      .refusal('pel/v1/m2/telemetry', 'forbidden_topic', 'x', 'key:k/c')
      .refusal('pel/v1/m1/telemetry', 'payload_too_large', 'x', 'm1/c')
      .refusal('pel/v1/m2/telemetry', 'payload_too_large', 'x', 'm2/c')
      .refusal('a/b/c', 'topic_too_deep', 'x', 'm1/c')
    await world.digest()
    expect(world.rejected.map(({ detail }) => detail)).toEqual([
      'm1 publishes for itself and for devices whose gatewayId it is',
      'key:k is no device, and only devices publish',
      'more than MQTT_PAYLOAD_BYTES',
      'more than the 100 bytes of m2',
      '3 levels',
    ])
  })
})
