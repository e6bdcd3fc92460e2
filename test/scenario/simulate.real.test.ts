import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runProgram } from '../setup/run-program.ts'
import { startPlatform } from './platform.ts'

const command = join(resolve(dirname(fileURLToPath(import.meta.url)), '..', '..'), 'app', 'pelbiot.js')
const recipients = 'ops@example.com,night-shift@example.com'

test('a minute of a fleet with every fault: nothing lost, doubled, raised wrongly or not mailed', {
  timeout: 400_000,
}, async () => {
  await using platform = await startPlatform({ env: { ALERT_EMAIL: recipients, LOG_LEVEL: 'warn' } })
  const { client, adminKey, httpPort, mqttPort } = platform
  const addresses = ['--url', `http://127.0.0.1:${httpPort}`, '--mqtt', `mqtt://127.0.0.1:${mqttPort}`]
  const fleet = ['--devices', '64', '--faults', 'all', '--duration', '60s', '--seed', '7', '--prefix', 'sim']
  const run = await runProgram(process.execPath, [command, 'simulate', ...addresses, ...fleet, '--verify', '--json'], {
    env: { ...process.env, PELBIOT_KEY: adminKey, ALERT_EMAIL: recipients },
    timeoutMs: 360_000,
  })
  const { code, output, stdout } = run
  expect(code, `${output}\n${platform.log()}`).toBe(0)
  const verdict = JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
  expect(verdict).toMatchObject({ lost: 0, doubled: 0, alertsWrong: 0 })
  expect(verdict.acked).toBe(verdict.sent)
  expect(verdict.stored).toBe(verdict.sent)
  expect(verdict.alertsSeen).toBe(verdict.alertsExpected)
  expect(verdict.mailsSeen).toBe(verdict.mailsExpected)
  // It has proved nothing unless it was about something.
  expect(verdict.sent).toBeGreaterThan(20_000)
  expect(verdict.alertsExpected).toBeGreaterThan(30)
  expect(verdict.mailsExpected).toBeGreaterThan(120)

  const alerts = await alertsOf(client)
  const has = (test: (alert: (typeof alerts)[number]) => boolean) => expect(alerts.some(test)).toBe(true)
  has(({ ruleId, deviceId }) => ruleId === 'simulated-meter-no-data' && deviceId.startsWith('sim-load'))
  has(({ metric, deviceId }) => metric === 'voltage' && deviceId.startsWith('sim-load'))
  has(({ metric, deviceId }) => metric === 'voltage_l12' && deviceId.startsWith('sim-panel'))
})

async function alertsOf({ request }: { request(method: string, path: string): Promise<Response> }) {
  const response = await request('GET', '/api/v1/alerts?limit=10000')
  const { items }: { items: { ruleId: string; deviceId: string; metric: string | null }[] } = JSON.parse(
    await response.text(),
  )
  return items
}
