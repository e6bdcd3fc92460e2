import { fileURLToPath } from 'node:url'
import { connectAsync } from 'mqtt'
import { expect, test } from 'vitest'
import { startInfluxdb } from '../setup/influxdb.ts'
import { describeWith } from '../setup/require-tool.ts'
import { runProgram } from '../setup/run-program.ts'
import { makeTempFolder } from '../setup/temp-folder.ts'
import { waitUntil } from '../setup/wait.ts'
import { createPlatform, type Platform } from './platform.ts'

const cli = fileURLToPath(new URL('../../app/pelbiot.js', import.meta.url))

describeWith(['influxd'], 'a platform whose readings are in InfluxDB', () => {
  test('keeps what it acknowledged while the server is killed, its database dropped, and itself killed', async () => {
    await using server = await startInfluxdb()
    await using platform = createPlatform({ env: { INFLUX_URL: server.url, INFLUX_DATABASE: 'meters' } })
    await platform.start()
    const publish = await connectDevice(platform)
    const voltages = async () => {
      const values: number[] = []
      for await (const { value } of platform.client.readings('meter-1', 'voltage')) values.push(value)
      return values
    }
    const stored = (count: number) =>
      waitUntil(`${count} readings in InfluxDB`, async () => {
        const [row] = await server.query('SELECT COUNT(voltage) FROM "meter-1ph"', 'meters')
        return row?.[1] === count
      })

    await publish(10)
    await stored(10)
    expect(await voltages()).toHaveLength(10)

    await server.kill()
    await publish(10)
    await waitUntil('the outage to be seen', async () => (await platform.client.status()).ingest.storeDown)
    // The newest readings are answered from memory, and the platform starts without its store.
    await platform.kill()
    await platform.start()
    await publish(10)
    await server.start()
    await stored(30)

    await server.query('DROP DATABASE "meters"')
    await publish(10)
    // From the oldest snapshot on, which is older than anything here.
    await stored(40)
    expect(await voltages()).toEqual(Array.from({ length: 40 }, (_, i) => 220 + i / 10))
    expect(platform.log()).toContain('what the log still has is stored again')
  })

  test('lists what the server refuses for ever, and goes on', async () => {
    await using server = await startInfluxdb()
    await server.query('CREATE DATABASE "meters"')
    await server.write('meters', `meter-1ph,device=old voltage="high" ${Date.now()}`)
    await using platform = createPlatform({ env: { INFLUX_URL: server.url, INFLUX_DATABASE: 'meters' } })
    await platform.start()
    const publish = await connectDevice(platform)
    await publish(3)
    const rejected = await waitUntil('the refused readings to be listed', async () => {
      const items = (await platform.client.rejected()).filter(({ reason }) => reason === 'store_refused')
      return items.length === 3 ? items : undefined
    })
    const payload = JSON.parse(Buffer.from(rejected[0]?.payloadBase64 ?? '', 'base64').toString())
    expect(payload).toMatchObject({ values: { voltage: 220 } })
    const [row] = await server.query('SELECT COUNT(power) FROM "meter-1ph"', 'meters')
    expect(row?.[1]).toBe(3)
  })
})

describeWith(['influxd'], 'the command readings copy', () => {
  test('moves a platform to InfluxDB, and says what is in its way', async () => {
    await using server = await startInfluxdb()
    using folder = makeTempFolder('moved')
    const influx = { INFLUX_URL: server.url, INFLUX_DATABASE: 'moved' }
    const copy = (env: Record<string, string>, to = 'influxdb') =>
      runProgram(process.execPath, [cli, 'readings', 'copy', '--from', 'duckdb', '--to', to, '--json'], {
        cwd: folder.path,
        env: { PATH: process.env['PATH'], DATA_DIR: folder.path, ...env },
        timeoutMs: 60_000,
      })
    await using embedded = createPlatform({ dataDir: folder.path })
    await embedded.start()
    const publish = await connectDevice(embedded)
    await publish(20)
    expect((await copy(influx)).output).toContain('another platform uses it')
    await embedded.stop()
    expect(await copy({})).toMatchObject({ code: 2, output: expect.stringContaining('INFLUX_URL is missing') })
    expect(await copy(influx, 'duckdb')).toMatchObject({ code: 2, output: expect.stringContaining('--to') })
    const { code, stdout } = await copy(influx)
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 0, refused: 0, differences: [] })

    await using moved = createPlatform({ dataDir: folder.path, env: influx })
    await moved.start()
    const [row] = await server.query('SELECT COUNT(voltage) FROM "meter-1ph"', 'moved')
    expect(row?.[1]).toBe(20)
    expect(moved.log()).not.toContain('what the log still has')
  })
})

/** Resolves with a function that publishes so many more readings, one after the other, and waits for their PUBACKs. */
async function connectDevice(platform: Platform): Promise<(count: number) => Promise<void>> {
  const { token } = await platform.client.createDevice({ id: 'meter-1', profileId: 'meter-1ph' })
  const startMs = Date.now() - 60_000
  let sent = 0
  return async (count) => {
    const client = await connectAsync(`mqtt://127.0.0.1:${platform.mqttPort}`, { username: 'meter-1', password: token })
    for (let i = 0; i < count; i++, sent++) {
      const values = { voltage: 220 + sent / 10, power: sent }
      const payload = JSON.stringify({ ts: startMs + sent * 100, values })
      await client.publishAsync('pel/v1/meter-1/telemetry', payload, { qos: 1 })
    }
    await client.endAsync()
  }
}
