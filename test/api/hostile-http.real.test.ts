import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { waitUntil } from '../setup/wait.ts'
import { type Harness, startApi } from './harness.ts'
import { exchange, statusesOf } from './raw-exchange.ts'

let api: Harness
beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api.stop())

/** What would be answered 200 if it were taken for a request of its own. */
const smuggled = 'GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'

function post(headers: string, body: string): string {
  const head = ['POST /api/v1/sites HTTP/1.1', 'Host: x', `Authorization: Bearer ${api.adminKey}`]
  return `${[...head, 'Content-Type: application/json', headers].join('\r\n')}\r\n\r\n${body}`
}
const get = (target: string, ...headers: string[]) =>
  `${[`GET ${target} HTTP/1.1`, 'Host: x', 'Connection: close', ...headers].join('\r\n')}\r\n\r\n`

describe('a body whose end two parties could see differently ends the connection:', () => {
  test.each([
    ['a length and chunks', 'Content-Length: 6\r\nTransfer-Encoding: chunked', '0\r\n\r\n'],
    ['chunks and a length', 'Transfer-Encoding: chunked\r\nContent-Length: 3', '1\r\nZ\r\n0\r\n\r\n'],
    ['two transfer encodings', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity', '0\r\n\r\n'],
    ['a transfer encoding that nobody knows', 'Transfer-Encoding: xchunked', '0\r\n\r\n'],
    ['chunks that are not the last encoding', 'Transfer-Encoding: chunked, gzip', '0\r\n\r\n'],
    ['a blank before the colon', 'Transfer-Encoding : chunked', '0\r\n\r\n'],
    ['a folded header', 'Transfer-Encoding:\r\n chunked', '0\r\n\r\n'],
    ['two lengths', 'Content-Length: 5\r\nContent-Length: 6', '12345'],
    ['a list of lengths', 'Content-Length: 5, 5', '12345'],
    ['a length with a sign', 'Content-Length: +5', '12345'],
    ['a length below nothing', 'Content-Length: -1', ''],
    ['a length in another base', 'Content-Length: 0x5', '12345'],
    ['a length beyond any number', 'Content-Length: 99999999999999999999', '12345'],
    ['a chunk without a size', 'Transfer-Encoding: chunked', 'zz\r\n'],
    ['a chunk of less than nothing', 'Transfer-Encoding: chunked', '-1\r\n'],
    ['a chunk beyond any number', 'Transfer-Encoding: chunked', 'FFFFFFFFFFFFFFFFF\r\n'],
    ['a line feed in the extension of a chunk', 'Transfer-Encoding: chunked', '2;\nxx\r\n{}\r\n0\r\n\r\n'],
  ])('%s', async (_, headers, body) => {
    const answer = await exchange(api.url, post(headers, body + smuggled))
    expect(statusesOf(answer)).toEqual([400])
    expect(answer).toContain('application/problem+json')
  })
})

describe('bytes that are nearly HTTP are refused:', () => {
  test.each([
    ['a line that ends in LF', 'GET /livez HTTP/1.1\nHost: x\n\n', 400],
    ['a line that ends in CR', 'GET /livez HTTP/1.1\rHost: x\r\n\r\n', 400],
    ['U+0000 in a header', get('/livez', 'X: a\0b'), 400],
    ['no Host', 'GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    ['no Host, as HTTP/1.0 allows', 'GET /livez HTTP/1.0\r\n\r\n', 400],
    ['two Hosts', get('/livez', 'Host: y'), 400],
    ['an empty Host', 'GET /livez HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n', 400],
    ['a Host with a user', 'GET /livez HTTP/1.1\r\nHost: a@b\r\nConnection: close\r\n\r\n', 400],
    ['a Host with a path', 'GET /livez HTTP/1.1\r\nHost: a/b\r\nConnection: close\r\n\r\n', 400],
    ['two Authorizations', get('/api/v1/sites', 'Authorization: Bearer a', 'Authorization: Bearer b'), 401],
    ['the server as a whole', 'OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 400],
    ['a tunnel', 'CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n', 405],
    ['TRACE', 'TRACE /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 405],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
    ['a flood of headers', get('/livez', ...Array.from({ length: 101 }, () => 'a: b')), 431],
    ['a greater flood of headers', get('/livez', ...Array.from({ length: 2_500 }, () => 'a: b')), 431],
    ['a long address', get(`/livez?${'a'.repeat(9_000)}`), 414],
  ])('%s', async (_, bytes, status) => {
    const answer = await exchange(api.url, bytes)
    expect(statusesOf(answer)).toEqual([status])
    expect(answer).toContain('application/problem+json')
    expect(answer).toMatch(/"requestId":"[0-9a-f-]{36}"/)
  })

  test('all of it is counted', async () => {
    const { body } = await api.get('/metrics')
    expect(body).toMatch(/pelbiot_http_requests_total\{method="other",route="none",status="400"\} [1-9]/)
    expect(body).toMatch(/pelbiot_http_requests_total\{method="GET",route="none",status="414"\} [1-9]/)
  })
})

describe('a path that is not what it looks like reaches nothing:', () => {
  test.each([
    ['/livez/../api/v1/sites', 400],
    ['/docs/../../package.json', 400],
    ['/docs/%2e%2e/%2E./package.json', 400],
    ['/docs/..%2f..%2fpackage.json', 404],
    ['/docs\\..\\..\\package.json', 400],
    ['/./livez', 400],
    ['/livez#/api/v1/sites', 400],
    ['http://other/livez/../api/v1/sites', 400],
    ['//api/v1/sites', 404],
    ['/API/v1/sites', 404],
    ['/api/v1/sites;a=b', 404],
    ['/api/v1/sites%00', 404],
    ['/api%2fv1%2fsites', 404],
    ['/%6civez', 200],
  ])('%s', async (target, status) => {
    expect(statusesOf(await exchange(api.url, get(target)))).toEqual([status])
  })

  test('headers that mean another path or method to other servers mean nothing here', async () => {
    const headers = ['X-Original-URL: /api/v1/sites', 'X-Rewrite-URL: /api/v1/sites', 'X-HTTP-Method-Override: DELETE']
    expect(await exchange(api.url, get('/livez', ...headers))).toMatch(/^HTTP\/1\.1 200 .*\{"live":true\}$/s)
  })

  test('an upgrade that is not offered is an ordinary request', async () => {
    const answer = await exchange(api.url, get('/livez', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'))
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
  })
})

describe('a crowd that sends next to nothing', () => {
  test('is cut off in time, and others are served meanwhile', async () => {
    await using own = await startApi({ headersTimeoutMs: 2_000, requestTimeoutMs: 3_000 })
    const port = Number(new URL(own.url).port)
    const crowd = await Promise.all(
      Array.from({ length: 100 }, async (): Promise<Socket> => {
        const socket = connect(port, '127.0.0.1')
        socket.on('error', () => undefined).resume()
        await once(socket, 'connect')
        socket.write('GET /livez HTTP/1.1\r\nHost: x\r\n')
        return socket
      }),
    )
    // A header now and then is the whole trick.
    const drip = setInterval(() => {
      for (const socket of crowd) socket.write('X: y\r\n')
    }, 200)
    expect((await own.get('/livez')).status).toBe(200)
    await waitUntil('all of them to be cut off', () => crowd.every(({ closed }) => closed))
    clearInterval(drip)
    expect((await own.get('/livez')).status).toBe(200)
    expect(own.logged).toEqual([])
  })

  test('of one address has its share of the connections, and no more', async () => {
    await using own = await startApi({ maxConnectionsPerAddress: 4 })
    const connected = async (): Promise<Socket> => {
      const socket = connect(Number(new URL(own.url).port), '127.0.0.1')
      socket.on('error', () => undefined).resume()
      await once(socket, 'connect')
      return socket
    }
    const crowd = await Promise.all(Array.from({ length: 8 }, connected))
    const closed = () => crowd.filter((socket) => socket.closed).length
    // The fetch of the harness keeps one of its own open.
    await waitUntil('those beyond to be closed', () => closed() >= 4)
    for (const socket of crowd) socket.destroy()
    const metrics = await waitUntil('room again', () => own.get('/metrics'))
    expect(metrics.body).toMatch(/pelbiot_http_connections_refused_total\{limit="address"\} [45]/)
  })

  test('behind a trusted proxy is that of its proxy, which may have as many as it likes', async () => {
    await using own = await startApi({ maxConnectionsPerAddress: 1, trustedProxies: '127.0.0.0/8' })
    const answers = await Promise.all(Array.from({ length: 8 }, () => exchange(own.url, get('/livez'))))
    expect(answers.flatMap(statusesOf)).toEqual(Array.from({ length: 8 }, () => 200))
  })
})

test('what nobody in particular may send is small: reading the largest body of a kind costs others their time', async () => {
  const body = `{"email":"a@example.com","password":${'['.repeat(8_300)}${']'.repeat(8_300)}}`
  for (const path of ['sign-in', 'sign-in/code', 'link', 'link/password', 'password-reset', 'set-up']) {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${api.url}/api/v1/auth/${path}`, { method: 'POST', headers, body })
    expect([path, answer.status, await answer.text()]).toEqual([path, 413, expect.stringContaining('"too_large"')])
  }
})
