import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { waitUntil } from '../setup/wait.ts'
import { type Harness, startApi } from './harness.ts'
import { exchange as exchangeBytes } from './raw-exchange.ts'

let api: Harness
beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api.stop())

const exchange = (bytes: string, { url }: Harness = api) => exchangeBytes(url, bytes)

describe('what is no request at all gets a problem and the end of the connection:', () => {
  test.each([
    ['bytes that are no HTTP', '\x16\x03\x01 hello\r\n\r\n', 400],
    ['a method that nobody has heard of', 'BREW /livez HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    [
      'a length that contradicts itself',
      'POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      400,
    ],
    ['headers without end', `GET /livez HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ])('%s', async (_, bytes, status) => {
    const answer = await exchange(bytes)
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(answer).toContain('application/problem+json')
    expect(answer).toMatch(/"requestId":"[0-9a-f-]{36}"/)
  })
})

describe('what never comes does not hold the connection for ever:', () => {
  const timeouts = { headersTimeoutMs: 300, requestTimeoutMs: 600 }

  test('headers', async () => {
    await using own = await startApi(timeouts)
    expect(await exchange('GET /livez HTTP/1.1\r\nHost: x\r\n', own)).toMatch(/^HTTP\/1\.1 408 .*"request_timeout"/s)
  })

  test.each([
    ['a body', {}],
    ['a body, however soon an answer is due', { answerTimeoutMs: 100 }],
  ])('%s', async (_, more) => {
    await using own = await startApi({ ...timeouts, ...more })
    const head = ['POST /api/v1/sites HTTP/1.1', 'Host: x', 'Content-Type: application/json', 'Content-Length: 50']
    const request = [...head, `Authorization: Bearer ${own.adminKey}`, '', '{'].join('\r\n')
    expect(await exchange(request, own)).toMatch(/^HTTP\/1\.1 408 /)
  })
})

test('a client that goes away in the middle of its body is no failure of ours', async () => {
  await using own = await startApi()
  const head = ['POST /api/v1/sites HTTP/1.1', 'Host: x', 'Content-Type: application/json', 'Content-Length: 50']
  const bytes = [...head, `Authorization: Bearer ${own.adminKey}`, '', '{'].join('\r\n')
  const socket = connect(Number(new URL(own.url).port), '127.0.0.1')
  await new Promise<void>((sent) => socket.write(bytes, () => sent()))
  socket.destroy()
  await waitUntil('the request to be counted', async () =>
    (await own.get('/metrics')).body.includes('method="POST",route="/api/v1/sites",status="400"'),
  )
  expect(own.logged).toEqual([])
})

test('an address that is no URL is a problem', async () => {
  for (const target of ['//', '/%', '/api/v1/devices?%', '*', 'http://[/']) {
    const answer = await exchange(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    expect([target, answer]).toEqual([target, expect.stringMatching(/^HTTP\/1\.1 4\d\d /)])
  }
})

test('a host that is none is a problem', async () => {
  const answer = await exchange('GET /livez HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n')
  expect(answer).toMatch(/^HTTP\/1\.1 400 /)
})
