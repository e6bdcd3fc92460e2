import { createServer } from 'node:http'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import type { InfluxdbReadingsConfig } from '../../../store/readings/index.ts'
import { startHttpProxy } from '../../setup/http-proxy.ts'
import { type Influxdb, startInfluxdb } from '../../setup/influxdb.ts'
import { describeWith } from '../../setup/require-tool.ts'
import { waitUntil } from '../../setup/wait.ts'
import { batchOf } from './catalog.ts'
import { failureOf } from './failure-of.ts'
import { createInfluxdbPlace, useInfluxdb } from './influxdb-place.ts'
import { always, createStandardCatalog, march, voltage } from './store-under-test.ts'

const one = batchOf({ series: voltage, at: march, value: 1 })

describeWith(['influxd'], 'an InfluxDB that does not answer as it should', () => {
  const begin = useInfluxdb()
  const catalog = createStandardCatalog()

  test('is waited for while it is down, and takes the batch again afterwards', async () => {
    await using server = await startInfluxdb()
    const store = (await createInfluxdbPlace(server, 'down')).create(catalog)
    await store.open()
    await store.write(one, 1)
    await server.kill()
    const error = await failureOf(store.write(batchOf({ series: voltage, at: march + 1, value: 2 }), 2))
    expect(error).toMatchObject({ code: 'store_unavailable', retryable: true })
    expect(error.message).toContain(`InfluxDB at ${server.url} cannot be reached: connect ECONNREFUSED`)
    expect(await failureOf(store.range({ seriesId: voltage, ...always }))).toMatchObject({ retryable: true })
    await server.start()
    await store.write(batchOf({ series: voltage, at: march + 1, value: 2 }), 2)
    expect([...(await store.range({ seriesId: voltage, ...always })).values]).toEqual([1, 2])
    await store.close()
  })

  test('is asked again after as many seconds as it says', async () => {
    const place = await begin()
    await using proxy = await startHttpProxy(place.server.url)
    const store = place.create(catalog, { url: proxy.url })
    await store.open()
    for (const [status, header, waitMs] of [
      [503, '7', 7_000],
      [429, '1', 1_000],
      [503, new Date(Date.now() + 100_000).toUTCString(), 100_000],
      [503, undefined, undefined],
      [503, '1000000', 3_600_000],
    ] as const) {
      const headers = header === undefined ? {} : { 'retry-after': header }
      proxy.answer = ({ url }) => (url?.startsWith('/write') ? { status, headers, body: 'overloaded' } : undefined)
      const error = await failureOf(store.write(one, 1))
      expect(error).toMatchObject({ code: 'store_unavailable', retryable: true })
      expect(error.message).toContain('overloaded')
      if (waitMs === undefined) expect(error.retryAfterMs).toBeUndefined()
      else expect(Math.abs((error.retryAfterMs ?? 0) - waitMs)).toBeLessThan(2_000)
    }
    proxy.answer = () => undefined
    await store.write(one, 1)
    await store.close()
  })

  test('does not send us, our readings and our password elsewhere', async () => {
    const place = await begin()
    await using proxy = await startHttpProxy(place.server.url)
    let asked = 0
    const elsewhere = createServer((_request, response) => {
      asked++
      response.writeHead(204, { 'x-influxdb-version': '1.6.7' }).end()
    })
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve))
    const address = elsewhere.address()
    const location = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`
    const store = place.create(catalog, { url: proxy.url })
    await store.open()
    await store.write(one, 1)
    proxy.answer = () => ({ status: 307, headers: { location }, body: '' })
    await expect(store.write(batchOf({ series: voltage, at: march + 3, value: 3 }), 2)).rejects.toThrow()
    await expect(store.range({ seriesId: voltage, ...always })).rejects.toThrow(/redirect/)
    expect(asked).toBe(0)
    proxy.answer = () => undefined
    await store.close()
    elsewhere.close()
  })

  test('is given up on when it takes too long', async () => {
    await using server = await startInfluxdb()
    const store = (await createInfluxdbPlace(server, 'slow')).create(catalog, { timeoutMs: 300 })
    await store.open()
    process.kill(server.pid, 'SIGSTOP')
    try {
      expect(await failureOf(store.write(one, 1))).toMatchObject({ code: 'store_unavailable', retryable: true })
      expect(await failureOf(store.range({ seriesId: voltage, ...always }))).toMatchObject({ retryable: true })
    } finally {
      process.kill(server.pid, 'SIGCONT')
    }
    await waitUntil('the write to be taken', () => store.write(one, 1))
    await store.close()
  })

  test('that says nothing keeps nobody waiting for each question in turn, and is asked again when it is back', async () => {
    await using server = await startInfluxdb()
    // No question of this test is over before it is given up.
    const store = (await createInfluxdbPlace(server, 'mute')).create(catalog, { timeoutMs: 600_000 })
    await store.open()
    await store.write(one, 1)
    const ask = () => store.range({ seriesId: voltage, ...always })
    expect([...(await ask()).values]).toEqual([1])
    process.kill(server.pid, 'SIGSTOP')
    try {
      const errors = await Promise.all(Array.from({ length: 50 }, () => failureOf(ask())))
      errors.push(await failureOf(ask()))
      for (const error of errors) {
        expect(error).toMatchObject({ code: 'store_unavailable', retryable: true })
        expect(error.publicText).toBe('read readings failed: InfluxDB does not answer in time')
      }
    } finally {
      process.kill(server.pid, 'SIGCONT')
    }
    const answer = await waitUntil('an answer', () => ask().catch(() => undefined))
    expect([...answer.values]).toEqual([1])
    await store.close()
  })

  test('is asked no question before the time that it says', async () => {
    const place = await begin()
    await using proxy = await startHttpProxy(place.server.url)
    const clock = { nowMs: Date.now(), now: () => clock.nowMs }
    const store = place.create(catalog, { url: proxy.url }, { clock })
    await store.open()
    await store.write(one, 1)
    const ask = () => store.range({ seriesId: voltage, ...always })
    proxy.answer = () => ({ status: 429, headers: { 'retry-after': '7' }, body: 'too many' })
    expect(await failureOf(ask())).toMatchObject({ retryAfterMs: 7_000 })
    proxy.answer = () => undefined
    const asked = proxy.requests.length
    clock.nowMs += 4_000
    const error = await failureOf(ask())
    expect(error).toMatchObject({ retryAfterMs: 3_000, publicText: 'read readings failed: InfluxDB is overloaded' })
    expect(proxy.requests.length).toBe(asked)
    clock.nowMs += 3_000
    expect([...(await ask()).values]).toEqual([1])
    await store.close()
  })

  test('does not hold up a close', async () => {
    await using server = await startInfluxdb()
    const store = (await createInfluxdbPlace(server, 'silent')).create(catalog)
    await store.open()
    await store.write(one, 1)
    process.kill(server.pid, 'SIGSTOP')
    const writing = failureOf(store.write(one, 2))
    const asking = failureOf(store.latest(Int32Array.of(voltage)))
    await store.close()
    expect([(await writing).code, (await asking).code]).toEqual(['closed', 'closed'])
  })

  test('says so when its retention policy is missing, and when it is no InfluxDB', async () => {
    const place = await begin()
    const store = place.create(catalog, { retentionPolicy: 'nowhere' })
    const error = await failureOf(store.open())
    expect(error).toMatchObject({ code: 'store_unavailable', retryable: true })
    expect(error.message).toMatch(/retention policy not found: nowhere\. There is no database test \d+, or its/)
    await store.close()

    await using proxy = await startHttpProxy(place.server.url)
    proxy.answer = () => ({ status: 404, body: 'nothing here' })
    const lost = place.create(catalog, { url: proxy.url })
    expect((await failureOf(lost.open())).message).toContain('nothing here')
    await lost.close()

    const gibberish = createServer((socket) => socket.socket.end('what?'))
    await new Promise<void>((resolve) => gibberish.listen(0, '127.0.0.1', resolve))
    const address = gibberish.address()
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
    const odd = place.create(catalog, { url })
    expect(await failureOf(odd.open())).toMatchObject({ code: 'store_unavailable', retryable: true })
    await odd.close()
    await new Promise((resolve) => gibberish.close(resolve))
  })

  test('is told apart from one that is another platform’s', async () => {
    const place = await begin()
    const ours = place.create(catalog)
    await ours.open()
    await ours.write(one, 5)
    await ours.close()
    const theirs = place.create(catalog, {}, { logId: 'another-log' })
    expect(await theirs.open()).toMatchObject({ logId: '00000000-0000-4000-8000-000000000000', position: 5 })
    const error = await failureOf(theirs.write(batchOf({ series: voltage, at: march, value: 9 }), 1))
    expect(error).toMatchObject({ code: 'store_unavailable', retryable: true })
    expect(error.message).toContain("another platform's")
    expect([...(await theirs.range({ seriesId: voltage, ...always })).values]).toEqual([1])
    await theirs.close()
  })
})

describeWith(['influxd'], 'an InfluxDB that wants to know who asks', () => {
  let server: Influxdb
  const admin = `Basic ${Buffer.from('admin:secret').toString('base64')}`
  beforeAll(async () => {
    server = await startInfluxdb({ env: { INFLUXDB_HTTP_AUTH_ENABLED: 'true' }, authorization: admin })
    await server.query(`CREATE USER admin WITH PASSWORD 'secret' WITH ALL PRIVILEGES`)
    await server.query(`CREATE USER pelbiot WITH PASSWORD 'pass:wörd'`)
    await server.query(`CREATE DATABASE "readings"`)
    await server.query(`GRANT ALL ON "readings" TO pelbiot`)
    await server.query(`CREATE USER stranger WITH PASSWORD 'stranger'`)
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const attempt = async (config: Partial<InfluxdbReadingsConfig>) => {
    const place = await createInfluxdbPlace(server, 'readings')
    const store = place.create(createStandardCatalog(), config)
    try {
      await store.open()
      return await store.write(one, 1)
    } finally {
      await store.close()
    }
  }

  test('takes user and password, or both as a token', async () => {
    expect(await attempt({ username: 'pelbiot', password: 'pass:wörd' })).toEqual({ refused: [] })
    expect(await attempt({ token: 'pelbiot:pass:wörd' })).toEqual({ refused: [] })
  })

  test('says what is wrong with them, and is asked again slowly', async () => {
    for (const [config, says] of [
      [{}, /unable to parse authentication credentials\. Token, user or password are wrong/],
      [{ username: 'pelbiot', password: 'wrong' }, /authorization failed\. Token, user or password are wrong/],
      [{ token: 'made-up' }, /Token, user or password are wrong/],
      [{ username: 'stranger', password: 'stranger' }, /not authorized.*Token or user may not use database readings/],
    ] as const) {
      const error = await failureOf(attempt(config))
      expect(error).toMatchObject({ code: 'store_unavailable', retryable: true, retryAfterMs: 30_000 })
      expect(error.message).toMatch(says)
    }
  })

  test('what callers are told names neither the server nor the user nor the statement, which the log does', async () => {
    for (const [user, says] of [
      ['stranger', 'read readings failed: InfluxDB does not let the platform use its database'],
      ['nobody', 'read readings failed: InfluxDB does not know the platform: token, user or password are wrong'],
    ] as const) {
      const lines = logLines()
      const place = await createInfluxdbPlace(server, 'readings')
      const config = { username: user, password: user }
      const store = place.create(createStandardCatalog(), config, { logger: lines.logger })
      await failureOf(store.open())
      const error = await failureOf(store.range({ seriesId: voltage, ...always }))
      expect(error.publicText).toBe(says)
      await failureOf(store.range({ seriesId: voltage, ...always }))
      const warned = lines.read().filter(({ level }) => level === 40)
      expect(warned).toMatchObject([
        {
          msg: 'influxdb does not answer questions',
          err: { message: expect.stringContaining(error.message) },
        },
      ])
      expect(error.message).toContain(server.url)
      await store.close()
    }
  })

  test('a question that is answered again is told in the log, once', async () => {
    await using proxy = await startHttpProxy(server.url)
    const lines = logLines()
    const place = await createInfluxdbPlace(server, 'readings')
    const login = { username: 'pelbiot', password: 'pass:wörd' }
    const store = place.create(createStandardCatalog(), { ...login, url: proxy.url }, { logger: lines.logger })
    await store.open()
    proxy.answer = () => ({ status: 503, body: 'SELECT secret FROM somewhere' })
    const asked = [1, 2, 3].map(() => failureOf(store.range({ seriesId: voltage, ...always })))
    for (const { publicText } of await Promise.all(asked))
      expect(publicText).toBe('read readings failed: InfluxDB is overloaded')
    proxy.answer = () => undefined
    await store.range({ seriesId: voltage, ...always })
    await store.range({ seriesId: voltage, ...always })
    expect(lines.read().map(({ msg }) => msg)).toEqual([
      'influxdb found',
      'influxdb does not answer questions',
      'influxdb answers questions again',
    ])
    await store.close()
  })
})

function logLines() {
  const written: string[] = []
  const logger = pino({ level: 'info' }, { write: (line) => void written.push(line) })
  const schema = z.object({ level: z.number(), msg: z.string(), err: z.object({ message: z.string() }).optional() })
  return { logger, read: () => written.map((line) => schema.parse(JSON.parse(line))) }
}
