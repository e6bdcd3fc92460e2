import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createPlatformApi } from '../../firmware-sim/index.ts'

test('a platform that has closed the connection kept to it is asked on another one', async () => {
  let connections = 0
  let broken = 0
  const server = createServer((socket) => {
    const kept = ++connections === 1
    let requests = 0
    socket.on('error', () => {})
    socket.on('data', () => {
      if (kept && ++requests > 1) {
        broken++
        socket.destroy()
      } else socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n{"n":1}')
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const api = createPlatformApi({ httpUrl: `http://127.0.0.1:${port}`, key: 'k' })
  const schema = z.object({ n: z.number() })
  expect(await api.read(schema, '/a')).toEqual({ n: 1 })
  // Only then is the connection free for another request.
  await new Promise((resolve) => setImmediate(resolve))
  expect(await api.read(schema, '/b')).toEqual({ n: 1 })
  expect({ connections, broken }).toEqual({ connections: 2, broken: 1 })
  server.close()
})
