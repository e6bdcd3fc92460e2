import { readFileSync } from 'node:fs'
import { connectAsync, type MqttClient } from 'mqtt'
import { expect, test } from 'vitest'
import { describeUnless } from '../setup/require-tool.ts'
import { findTool } from '../setup/tools.ts'
import { waitUntil } from '../setup/wait.ts'
import { judgeAcks } from './ack-order.ts'
import { type Platform, startPlatform } from './platform.ts'
import { startTrace } from './trace.ts'

const delayMs = 200

describeUnless(whyNotTraced(), 'the disk comes before the acknowledgement', () => {
  test('under pipelined load every PUBACK and PUBREC is written after the fdatasync that covers it', async () => {
    await using platform = await startPlatform()
    const trace = await startTrace(platform.pid)
    const { client, marks } = await connectPublisher(platform)
    const waves = 20
    for (let wave = 0; wave < waves; wave++) await Promise.all(publishWave(client, wave, 50))
    await client.endAsync()
    const { acked, early } = judgeAcks(await trace.stop(), marks)
    expect(early).toEqual([])
    expect(new Set(acked)).toEqual(new Set(marks.keys()))
    const qos1 = acked.filter((packetId) => marks.get(packetId)?.includes('"qos":1'))
    expect(qos1).toEqual([...marks.keys()].filter((packetId) => marks.get(packetId)?.includes('"qos":1')))
  })

  test('when fdatasync is delayed the acknowledgements wait for it, and no consumer runs ahead', async () => {
    await using platform = await startPlatform()
    const trace = await startTrace(platform.pid, `fdatasync:delay_enter=${delayMs * 1_000}`)
    const { client, marks } = await connectPublisher(platform)
    let acked = 0
    let sawWaiting = false
    const ahead: string[] = []
    const waves = 6
    for (let wave = 0; wave < waves; wave++) {
      const published = publishWave(client, wave, 30)
      let done = false
      const all = Promise.all(published).then(() => {
        acked += published.length
        done = true
      })
      await waitUntil('the wave', async () => {
        const { log } = await platform.client.status()
        if (log.head > log.durable) sawWaiting = true
        ahead.push(...log.consumers.filter(({ position }) => position > log.durable).map(({ name }) => name))
        return done
      })
      await all
    }
    await client.endAsync()
    const verdict = judgeAcks(await trace.stop(), marks)
    expect(verdict.early).toEqual([])
    expect(new Set(verdict.acked).size).toBe(acked)
    expect(ahead).toEqual([])
    expect(sawWaiting).toBe(true)
  })
})

/** A device, and what it has sent by packet identifier. */
async function connectPublisher({ client: api, mqttPort }: Platform) {
  const id = 'meter-1'
  const { token } = await api.createDevice({ id, profileId: 'meter-1ph' })
  const client = await connectAsync(`mqtt://127.0.0.1:${mqttPort}`, { clientId: id, username: id, password: token })
  const marks = new Map<number, Buffer>()
  client.on('packetsend', (packet) => {
    if (packet.cmd === 'publish' && packet.messageId !== undefined)
      marks.set(packet.messageId, Buffer.from(packet.payload))
  })
  return { client, marks }
}

/** Half of them QoS 1, half QoS 2, all in flight at once; no two payloads are alike. */
function publishWave(client: MqttClient, wave: number, messages: number): Promise<unknown>[] {
  const startMs = Date.now() - 3_600_000
  return Array.from({ length: messages }, (_, i) => {
    const qos = i % 2 === 0 ? 1 : 2
    const payload = JSON.stringify({ ts: startMs + i, values: { wave, message: i, qos } })
    return client.publishAsync(`pel/v1/${client.options.username}/telemetry`, payload, { qos })
  })
}

function whyNotTraced(): string | undefined {
  if (findTool('strace') === undefined) return 'strace not installed'
  if (process.getuid?.() === 0) return undefined
  try {
    const scope = readFileSync('/proc/sys/kernel/yama/ptrace_scope', 'utf8').trim()
    return scope === '0' ? undefined : 'only root may trace a running process here'
  } catch {
    return undefined
  }
}
