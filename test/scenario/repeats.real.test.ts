import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connectAsync } from 'mqtt'
import { expect, test } from 'vitest'
import { type Platform, startPlatform } from './platform.ts'

async function makeDevice(platform: Platform, id: string): Promise<{ status: number; token: string; text: string }> {
  const response = await fetch(`http://127.0.0.1:${platform.httpPort}/api/v1/devices`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${platform.adminKey}`,
      'content-type': 'application/json',
      'idempotency-key': `make-${id}`,
    },
    body: JSON.stringify({ id, profileId: 'meter-1ph' }),
  })
  const text = await response.text()
  return { status: response.status, token: JSON.parse(text).token, text }
}

function filesHold(folder: string, text: string): boolean {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .some((entry) => readFileSync(join(entry.parentPath, entry.name)).includes(text))
}

const patienceMs = 240_000

test('whenever the platform is killed, a request that is sent again has one effect, and its secret is not lost', {
  timeout: patienceMs,
}, async () => {
  await using platform = await startPlatform()
  for (const [i, waitMs] of [0, 2, 8].entries()) {
    const id = `meter-${i}`
    const lost = makeDevice(platform, id).catch(() => undefined)
    await delay(waitMs)
    await platform.kill()
    const first = await lost
    await platform.start()

    const { status, token, text } = await makeDevice(platform, id)
    expect([i, status]).toEqual([i, 201])
    if (first?.status === 201) expect(text).toBe(first.text)
    expect((await makeDevice(platform, id)).text).toBe(text)
    const mqtt = await connectAsync(`mqtt://127.0.0.1:${platform.mqttPort}`, { username: id, password: token })
    await mqtt.endAsync()
    const audit = await platform.client.request('GET', `/api/v1/audit?resourceType=device&resourceId=${id}`)
    expect(JSON.parse(await audit.text()).items).toHaveLength(1)
    // It is there, but only for who knows the name of the request.
    expect([filesHold(platform.dataDir, token), filesHold(platform.dataDir, `make-${id}`)]).toEqual([false, false])
  }
})
