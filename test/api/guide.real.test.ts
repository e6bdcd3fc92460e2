import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseAlertId, parseDeviceId, parseRuleId, parseSiteId } from '../../model/index.ts'
import { transition } from '../store/state/harness.ts'
import { type Harness, startApi, startMs } from './harness.ts'

const guide = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8')

/** The guide's commands in their order, each with the answer that it shows, if it shows one. */
const examples = [...guide.matchAll(/```sh\n(.+?)```(?:\n\n```json\n(.+?)```)?/gs)].map(([, command = '', answer]) => ({
  command,
  answer,
}))

/** The words of a shell command, as far as the guide's go: quotes, continued lines, variables. */
function words(command: string, variables: Readonly<Record<string, string>>): string[] {
  const expand = (text: string) => text.replaceAll(/\$([A-Z]+)/g, (_, name: string) => variables[name] ?? `$${name}`)
  const parts = command.replaceAll('\\\n', ' ').matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)
  return [...parts].map(([, single, double, bare]) => single ?? expand(double ?? bare ?? ''))
}

interface CurlRequest {
  readonly method: string
  readonly path: string
  readonly headers: Record<string, string>
  readonly data: string | undefined
}

function parseCurl([program, ...rest]: readonly string[], url: string): CurlRequest {
  if (program !== 'curl') throw new Error(`the guide runs ${program}, which this test does not know`)
  let method: string | undefined
  let path = ''
  let data: string | undefined
  const headers: Record<string, string> = {}
  for (let i = 0; i < rest.length; i++) {
    const word = rest[i] ?? ''
    if (word === '-X') method = rest[++i]
    else if (word === '-d') data = rest[++i]
    else if (word === '-H') {
      const [name = '', ...value] = (rest[++i] ?? '').split(': ')
      headers[name.toLowerCase()] = value.join(': ')
    } else if (word.startsWith(url)) path = word.slice(url.length)
    else throw new Error(`the guide passes ${word} to curl, which this test does not know`)
  }
  return { method: method ?? (data === undefined ? 'GET' : 'POST'), path, headers, data }
}

/** `…` in a text of the guide stands for anything. */
function asExpected(shown: unknown): unknown {
  if (typeof shown === 'string' && shown.endsWith('…'))
    return expect.stringMatching(new RegExp(`^${shown.slice(0, -1)}.+`))
  if (Array.isArray(shown)) return shown.map(asExpected)
  if (typeof shown === 'object' && shown !== null)
    return Object.fromEntries(Object.entries(shown).map(([name, value]) => [name, asExpected(value)]))
  return shown
}

let api: Harness
beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api.stop())

/** What the meter of the guide publishes once it is there. */
async function publish(): Promise<void> {
  const at = (time: string) => Date.parse(`2026-11-23T${time}Z`)
  await api.measure('meter-1', 'voltage', [
    [at('09:00:00'), 229.8],
    [at('09:30:00'), 231.2],
  ])
  await api.measure('meter-1', 'gas', [[at('09:30:00'), 4.5]])
  await api.state.ledger.commit('ingest', 1, [
    {
      timeMs: startMs,
      deviceId: parseDeviceId('meter-1'),
      clientId: 'panel',
      topic: 'pel/v1/meter-1/telemetry',
      reason: 'not_json',
      detail: 'Unexpected end of JSON input',
      payload: Buffer.from('{"voltage":'),
    },
  ])
}

const alert = 'k2v7dq5n3wxyoc4g6tzbhe2fma'

/** What the rules and the dispatcher make of the guide's rule and readings that are not in the guide. */
async function raiseAlert(): Promise<void> {
  const firedMs = Date.parse('2026-11-23T09:41:00Z')
  const { evidence } = transition(alert, 1)
  if (evidence.kind !== 'threshold') throw new Error('the alert of the guide is about a threshold')
  const step = (ordinal: 0 | 1, timeMs: number) =>
    transition(alert, ordinal, {
      kind: ordinal === 0 ? 'pending' : 'firing',
      ruleId: parseRuleId('high-voltage'),
      ruleName: 'High voltage',
      deviceId: parseDeviceId('meter-1'),
      siteId: parseSiteId('main'),
      timeMs,
      evidence: { ...evidence, readingTimeMs: timeMs, sinceMs: firedMs - 60_000 },
    })
  await api.state.alertLedger.record([step(0, firedMs - 60_000), step(1, firedMs)], 1)
  await api.state.dispatch.commit(2, [{ eventId: 2, channel: 'email', recipient: 'operator@example.org' }])
  expect(await api.state.alerts.get(parseAlertId(alert))).toMatchObject({ ruleVersion: 3 })
}

/** Of the key that the guide makes. */
let keyId = ''

describe('the guide', () => {
  test('has its examples', () => expect(examples.length).toBeGreaterThan(10))

  test.each(examples)('tells the truth about $command', async ({ command, answer }) => {
    const { method, path, headers, data } = parseCurl(
      words(command, { URL: api.url, KEY: api.adminKey, KEYID: keyId, ALERT: alert }),
      api.url,
    )
    const { status, body } = await api.request(method, path, { key: null, headers, ...(data && { raw: data }) })
    if (answer === undefined) expect(status).toBeLessThan(300)
    else expect(body).toEqual(asExpected(JSON.parse(answer)))
    if (method === 'POST' && body?.id === 'meter-1') await publish()
    if (path === '/api/v1/keys') keyId = body.id
    if (path === '/api/v1/rules/high-voltage/restore') await raiseAlert()
  })
})
