import { rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { connectAsync } from 'mqtt'
import { beforeAll, describe, expect, test } from 'vitest'
import { buildBundle } from '../../app/bundle/build.ts'
import { bundles, digestOf, findBundle } from '../../app/bundle/find.js'
import { waitUntil } from '../setup/wait.ts'
import { createPlatform, type Platform } from './platform.ts'

/** Says which of its two command lines the program loads. */
const tellLoaded = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module'
  import { writeSync } from 'node:fs'
  registerHooks({ load(url, context, next) {
    if (/[/]cli[.][jt]s$/.test(url)) writeSync(2, 'loaded ' + url + '\\n')
    return next(url, context)
  } })`)}`

const loaded = (platform: Platform) => /loaded (\S+)/.exec(platform.log())?.[1]

describe('the bundle that an installation makes', () => {
  beforeAll(buildBundle, 60_000)

  test('is the whole platform, with what it loads late', async () => {
    await using platform = createPlatform()
    await platform.start({ nodeArgs: ['--import', tellLoaded] })
    expect(loaded(platform)).toBe(findBundle())

    const { client } = platform
    const { id, token } = await client.createDevice({ id: 'meter-1', profileId: 'meter-1ph' })
    const device = await connectAsync(`mqtt://127.0.0.1:${platform.mqttPort}`, { username: id, password: token })
    await device.publishAsync(`pel/v1/${id}/telemetry`, JSON.stringify({ voltage: 229.8 }), { qos: 1 })
    await device.endAsync()
    await waitUntil('the reading', async () => (await client.latest(id)).some(({ value }) => value === 229.8))

    const link = await waitUntil('the link', () => /#token=(\S+)/.exec(platform.log())?.[1])
    const person = { email: 'ani@example.com', password: 'plover horse battery' }
    const answers = await Promise.all(['/', '/docs', '/sign-in', '/openapi.json', '/metrics'].map((path) => ask(path)))
    expect(answers).toEqual([200, 200, 200, 200, 200])
    expect(await ask('/api/v1/auth/set-up', { token: link, name: 'Ani', ...person, password: 'password123456' })).toBe(
      422,
    )
    expect(await ask('/api/v1/auth/set-up', { token: link, name: 'Ani', ...person })).toBe(201)
    expect(await ask('/api/v1/auth/sign-in', { ...person, password: 'not the password' })).toBe(401)
    expect(await ask('/api/v1/auth/sign-in', person)).toBe(200)

    async function ask(path: string, body?: object): Promise<number> {
      return (await client.request(body === undefined ? 'GET' : 'POST', path, body)).status
    }
  })

  test('is left aside when it is asked for the sources', async () => {
    await using platform = createPlatform()
    await platform.start({ nodeArgs: ['--import', tellLoaded], env: { PELBIOT_SOURCES: '1' } })
    expect(loaded(platform)).toMatch(/\/app\/cli\.ts$/)
  })

  test('is that of the very files it was made of: another content is another bundle', () => {
    const name = `node_modules/.cache/pelbiot/changed-${process.pid}`
    const file = fileURLToPath(new URL(`changed-${process.pid}`, bundles))
    try {
      writeFileSync(file, 'one')
      const before = digestOf([name])
      writeFileSync(file, 'two')
      expect(digestOf([name])).not.toBe(before)
    } finally {
      rmSync(file)
    }
  })
})
