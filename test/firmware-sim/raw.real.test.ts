import { createServer, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { startRawGenerator } from '../../bench/raw-generator.ts'
import { startMosquitto } from '../setup/mosquitto.ts'
import { describeWith } from '../setup/require-tool.ts'

const startMs = 1_795_341_600_000

/** A broker of a kind: what it answers to the first chunk and to the others. */
async function withServer<T>(answer: (socket: Socket, first: boolean) => void, work: (port: number) => Promise<T>) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    let first = true
    socket.on('error', () => {})
    socket.on('data', () => {
      answer(socket, first)
      first = false
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  try {
    const address = server.address()
    return await work(typeof address === 'object' && address !== null ? address.port : 0)
  } finally {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}

const connack = Buffer.from([0x20, 2, 0, 0])
const load = { connections: [{ clientId: 'c', devices: ['a'] }], window: 20, seconds: 0.3, drainSeconds: 0.3, startMs }

describeWith(['mosquitto'], 'the raw generator against Mosquitto', () => {
  test('tells exactly how many messages of each device were acknowledged', async () => {
    await using mosquitto = await startMosquitto()
    const connections = [
      { clientId: 'one', devices: ['a'] },
      { clientId: 'gateway', devices: ['b', 'c', 'd'] },
    ]
    const summary = await startRawGenerator({ port: mosquitto.port, connections, seconds: 0.5, startMs }).summary
    expect(summary).toMatchObject({ unacked: 0, failures: [] })
    expect(Object.keys(summary.devices)).toEqual(['a', 'b', 'c', 'd'])
    const counts = Object.values(summary.devices)
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(summary.acked)
    const [, b = 0, c = 0, d = 0] = counts
    expect(b).toBeGreaterThan(0)
    expect(b - d).toBeLessThanOrEqual(1)
    expect(b).toBeGreaterThanOrEqual(c)
    expect(c).toBeGreaterThanOrEqual(d)
  })
})

test('sends no more when it is told so, and still counts what is acknowledged', async () => {
  const summary = await withServer(
    (socket, first) => first && socket.write(connack),
    async (port) => {
      const run = startRawGenerator({ ...load, seconds: 3_600, port })
      await run.sending
      run.stopSending()
      return run.summary
    },
  )
  expect(summary).toMatchObject({ unacked: 20, failures: [] })
})

test('messages that are never acknowledged are counted', async () => {
  const summary = await withServer(
    (socket, first) => first && socket.write(connack),
    (port) => startRawGenerator({ ...load, port }).summary,
  )
  expect(summary).toMatchObject({ acked: 0, unacked: 20, failures: [], devices: { a: 0 } })
})

test.each([
  ['a refused connection', Buffer.from([0x20, 2, 0, 5]), Buffer.alloc(0), /the broker answered 20020005/],
  ['an acknowledgement of nothing', connack, Buffer.from([0x40, 2, 0x70, 0]), /which nothing waits for/],
  ['an answer that is no PUBACK', connack, Buffer.from([0xd0, 0]), /not a PUBACK/],
])('%s fails the run', async (_, first, then, reason) => {
  const run = withServer(
    (socket, isFirst) => socket.write(isFirst ? first : then),
    (port) => startRawGenerator({ ...load, port }).summary,
  )
  await expect(run).rejects.toThrow(reason)
})
