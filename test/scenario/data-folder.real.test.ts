import { chmodSync, cpSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { connectAsync } from 'mqtt'
import { expect, test } from 'vitest'
import { makeTempFolder } from '../setup/temp-folder.ts'
import { waitUntil } from '../setup/wait.ts'
import { type Platform, startPlatform } from './platform.ts'

async function publish(platform: Platform, id: string, count: number): Promise<void> {
  const { token } = await platform.client.createDevice({ id, profileId: 'meter-1ph' })
  const mqtt = await connectAsync(`mqtt://127.0.0.1:${platform.mqttPort}`, { username: id, password: token })
  const fromMs = Date.now() - 60_000
  for (let i = 0; i < count; i++)
    await mqtt.publishAsync(`pel/v1/${id}/telemetry`, JSON.stringify({ ts: fromMs + i, voltage: 230 }), { qos: 1 })
  await mqtt.endAsync()
  await waitUntil('its readings', async () => (await readingsOf(platform, id)) === count)
}

const readingsOf = async ({ client }: Platform, id: string) =>
  (await Array.fromAsync(client.readings(id, 'voltage'))).length

/** A start that must end by itself, without having listened. */
async function refusal(platform: Platform): Promise<string> {
  await expect(platform.start()).rejects.toThrow(/ended with 1/)
  return platform.log()
}

test('a log whose disk is not mounted is refused however often, and goes on when it is back', async () => {
  await using platform = await startPlatform()
  const log = join(platform.dataDir, 'log')
  await publish(platform, 'meter-1', 60)
  await platform.stop()
  renameSync(log, `${log}.away`)
  mkdirSync(log)
  for (let start = 0; start < 2; start++)
    expect(await refusal(platform)).toMatch(/the log in .* is missing[\s\S]*store_failed/)
  rmSync(log, { recursive: true })
  renameSync(`${log}.away`, log)
  await platform.start()
  expect(await readingsOf(platform, 'meter-1')).toBe(60)
})

test('a state from before the readings is refused, and the right one goes on', async () => {
  await using platform = await startPlatform()
  const state = join(platform.dataDir, 'state.sqlite')
  await publish(platform, 'meter-1', 5)
  await platform.stop()
  cpSync(state, `${state}.old`)
  await platform.start()
  await publish(platform, 'meter-2', 20)
  await platform.stop()
  renameSync(state, `${state}.new`)
  expect(await refusal(platform)).toContain('state.sqlite is missing beside')
  cpSync(`${state}.old`, state)
  expect(await refusal(platform)).toMatch(/state is older than readings.*from one backup/)
  for (const left of ['-wal', '-shm', '']) rmSync(`${state}${left}`, { force: true })
  renameSync(`${state}.new`, state)
  await platform.start()
  expect(await readingsOf(platform, 'meter-2')).toBe(20)
})

test('everything in it is for its owner alone, whatever folder it was given', async () => {
  using folder = makeTempFolder('open')
  chmodSync(folder.path, 0o755)
  await using platform = await startPlatform({ dataDir: folder.path })
  await publish(platform, 'meter-1', 3)
  await platform.stop()
  const files = readdirSync(folder.path, { recursive: true, encoding: 'utf8' })
  expect(files).toEqual(expect.arrayContaining(['state.sqlite', 'readings.duckdb', 'secret.key', 'log']))
  const inventory = readFileSync('docs/security-reference.md', 'utf8')
  expect(readdirSync(folder.path).filter((file) => !inventory.includes(`\`${file}\``))).toEqual([])
  expect(files.filter((file) => (lstatSync(join(folder.path, file)).mode & 0o077) !== 0)).toEqual([])
})
