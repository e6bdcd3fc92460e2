import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { describeWith } from '../setup/require-tool.ts'
import { runProgram } from '../setup/run-program.ts'
import { waitUntil } from '../setup/wait.ts'
import { startPlatform } from './platform.ts'

const guide = readFileSync(new URL('../../docs/mqtt.md', import.meta.url), 'utf8')
const blocks = [...guide.matchAll(/```sh\n(.+?)```/gs)].map(([, commands = '']) => commands)

describeWith(['curl', 'mosquitto_pub', 'mosquitto_sub'], 'the MQTT guide', () => {
  test('shows commands that all work', async () => {
    await using platform = await startPlatform()
    const { client } = platform
    const meter = await client.createDevice({ id: 'meter-1', profileId: 'meter-1ph' })
    const key = await client.createKey('listener')
    const env = {
      ...process.env,
      URL: `http://127.0.0.1:${platform.httpPort}`,
      KEY: platform.adminKey,
      MQTT_PORT: String(platform.mqttPort),
      TOKEN: meter.token,
      KEY_ID: key.id,
      LISTENER_KEY: key.key,
    }
    expect(blocks.length).toBeGreaterThan(5)
    const outputs: string[] = []
    for (const commands of blocks) {
      const { code, output, stdout } = await runProgram('bash', ['-e', '-c', commands], { env })
      expect({ commands, code, output: code === 0 ? '' : output }).toEqual({ commands, code: 0, output: '' })
      outputs.push(stdout)
    }
    expect(outputs.at(-1)).toBe('online')

    const latest = await waitUntil('the readings of the guide', async () => {
      const items = await client.latest(meter.id)
      return items.length === 3 && items
    })
    const values = Object.fromEntries(latest.map(({ metric, value }) => [metric, value]))
    expect(values).toEqual({ voltage: 229.8, power: 1250, energy: 4711.25 })
    expect((await client.latest('meter-2')).map(({ metric, value }) => [metric, value])).toEqual([['voltage', 231.4]])
    expect(await client.rejected()).toEqual([])
  })
})
