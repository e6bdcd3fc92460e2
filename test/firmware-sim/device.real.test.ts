import { createServer, type Socket } from 'node:net'
import { generate, type IPublishPacket, type Packet, parser } from 'mqtt-packet'
import { expect, test } from 'vitest'
import { createDevice } from '../../firmware-sim/index.ts'
import { createLatencyHistogram } from '../../model/index.ts'
import { waitUntil } from '../setup/wait.ts'

const telemetry = 'pel/v1/meter-1/telemetry'

/** A broker that accepts everyone; `answer` decides what becomes of each telemetry message. */
async function startBroker(answer: (publish: IPublishPacket, socket: Socket, connection: number) => void) {
  const packets: Packet[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer((socket) => {
    const connection = ++connections
    const mqtt = parser({ protocolVersion: 4 })
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (chunk) => mqtt.parse(chunk))
    mqtt.on('packet', (packet) => {
      packets.push(packet)
      if (packet.cmd === 'connect')
        socket.write(generate({ cmd: 'connack', returnCode: 0, sessionPresent: connection > 1 }))
      else if (packet.cmd === 'publish' && packet.topic === telemetry) answer(packet, socket, connection)
      else if (packet.cmd === 'publish') socket.write(puback(packet))
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: `mqtt://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    packets,
    telemetry: () => packets.filter((packet) => packet.cmd === 'publish').filter(({ topic }) => topic === telemetry),
    /** Ends all connections there are. */
    cut,
    [Symbol.dispose]() {
      cut()
      server.close()
    },
  }
}

const puback = ({ messageId = 0 }: IPublishPacket) => generate({ cmd: 'puback', messageId })

const startMs = 1_795_341_600_000

function deviceAt(mqttUrl: string, clean: boolean) {
  const options = { mqttUrl, id: 'meter-1', token: 'secret', qos: 1, clean, maxWaiting: 3, remember: true } as const
  return createDevice(options, createLatencyHistogram())
}

function telemetryOf(timeMs: number) {
  const row = { timeMs, values: { voltage: 230 }, clock: 'own' } as const
  return { payload: JSON.stringify({ ts: timeMs, values: row.values }), rows: [row] }
}

test('a simulated device leaves a will, says that it is online, publishes and says goodbye', async () => {
  using broker = await startBroker((publish, socket) => socket.write(puback(publish)))
  const device = deviceAt(broker.url, true)
  await device.start()
  device.send(telemetryOf(startMs))
  device.send(telemetryOf(startMs + 1))
  await waitUntil('both acknowledgements', () => device.counts.acked === 2)
  await device.stop()
  const status = { topic: 'pel/v1/meter-1/status', retain: true }
  expect(broker.packets[0]).toMatchObject({ cmd: 'connect', clientId: 'meter-1', username: 'meter-1', will: status })
  const said = broker.packets.flatMap((packet) =>
    packet.cmd === 'publish' && packet.topic === status.topic ? [packet.payload.toString()] : [],
  )
  expect(said).toEqual(['online', 'offline'])
  const times = broker.telemetry().map(({ payload }) => JSON.parse(payload.toString()).ts)
  expect(times).toEqual([startMs, startMs + 1])
  expect(device.counts).toEqual({ sent: 2, acked: 2, reconnects: 0 })
})

test('a simulated device remembers what it sent and between which times it was received', async () => {
  using broker = await startBroker((publish, socket, connection) => connection > 1 && socket.write(puback(publish)))
  const device = deviceAt(broker.url, false)
  const beforeMs = Date.now()
  await device.start()
  device.send(telemetryOf(startMs))
  await waitUntil('the message', () => broker.telemetry().length === 1)
  device.drop()
  device.comeBack()
  await waitUntil('the acknowledgement', () => device.counts.acked === 1)
  const [online, sent, will, again] = device.messages
  expect(online).toMatchObject({ rows: [] })
  expect(sent?.rows).toEqual(telemetryOf(startMs).rows)
  expect(sent?.sentMs).toBeGreaterThanOrEqual(beforeMs)
  expect(sent?.ackedMs).toBeGreaterThanOrEqual(will?.sentMs ?? Number.NaN)
  expect(will).toMatchObject({ rows: [], will: true })
  expect(again).toMatchObject({ rows: [] })
  await device.stop()
})

test('a device that lost its connection stays away until it is told to come back', async () => {
  using broker = await startBroker((publish, socket) => socket.write(puback(publish)))
  const device = deviceAt(broker.url, true)
  await device.start()
  device.drop()
  await waitUntil('the loss', () => !device.connected)
  const connects = () => broker.packets.filter(({ cmd }) => cmd === 'connect').length
  expect(connects()).toBe(1)
  device.comeBack()
  await waitUntil('the connection', () => device.connected)
  expect(connects()).toBe(2)
  await device.stop()
})

test('a device with a persistent session sends what was not acknowledged again, with DUP and the same identifier', async () => {
  using broker = await startBroker((publish, socket, connection) => {
    if (connection === 1) socket.destroy()
    else socket.write(puback(publish))
  })
  const device = deviceAt(broker.url, false)
  await device.start()
  device.send(telemetryOf(startMs))
  await waitUntil('the acknowledgement', () => device.counts.acked === 1)
  await device.stop()
  const [first, second, ...others] = broker.telemetry()
  expect(others).toEqual([])
  expect([first?.dup, second?.dup]).toEqual([false, true])
  expect(second?.messageId).toBe(first?.messageId)
  expect(second?.payload).toEqual(first?.payload)
})

test('a device that waits for as many acknowledgements as it may says so', async () => {
  using broker = await startBroker(() => {})
  const device = deviceAt(broker.url, true)
  await device.start()
  for (let i = 0; i < 2; i++) device.send(telemetryOf(startMs + i))
  expect(device.busy).toBe(false)
  device.send(telemetryOf(startMs + 2))
  expect(device.busy).toBe(true)
  await device.stop()
  expect(device.counts).toMatchObject({ sent: 3, acked: 0 })
})

test('a simulated device sends in the end what it was to send while a connection broke in the middle of sending again', async () => {
  using broker = await startBroker((publish, socket, connection) => connection > 2 && socket.write(puback(publish)))
  const device = deviceAt(broker.url, false)
  await device.start()
  device.send(telemetryOf(startMs))
  await waitUntil('the message', () => broker.telemetry().length === 1)
  broker.cut()
  await waitUntil('it again', () => broker.telemetry().length === 2)
  device.send(telemetryOf(startMs + 1))
  broker.cut()
  await waitUntil('both acknowledgements', () => device.counts.acked === 2)
  await device.stop()
  const times = broker.telemetry().map(({ payload }) => JSON.parse(payload.toString()).ts)
  expect(times).toEqual([startMs, startMs, startMs, startMs + 1])
})
