import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { settingsEnvFile, settingsMarkdown } from '../../app/cli/settings-table.ts'
import { loadConfig } from '../../app/config.ts'
import { isAppError } from '../../model/index.ts'

const noFile = '/nonexistent/.env'
const pem = (name: string) => `test/broker/certificates/${name}.pem`
const tls = (cert: string, key: string) => ({ TLS_CERT_FILE: pem(cert), TLS_KEY_FILE: pem(key) })
const load = (env: Record<string, string>) => loadConfig(env, noFile)

function wrongSettings(env: Record<string, string>): readonly string[] {
  try {
    load(env)
  } catch (error) {
    if (isAppError(error)) return error.fields.map(({ field }) => field)
    throw error
  }
  return []
}

describe('settings', () => {
  test('an empty environment gives the documented defaults', () => {
    const config = load({})
    expect(config.broker).toMatchObject({ host: '0.0.0.0', port: 1883, wsPort: 8083, tlsPort: undefined })
    expect(config.api.port).toBe(8080)
    expect(config.topics.scalarTopics.map(({ pattern }) => pattern)).toEqual(['panel/{device}/{metric}'])
    expect(config.topics.metricNames.get('volt')).toBe('voltage')
  })

  test('a listener is switched off by `off`, and TLS on by its files', () => {
    const config = load({ MQTT_PORT: 'off', MQTT_WS_PORT: '0', ...tls('one-cert', 'one-key') })
    expect(config.broker).toMatchObject({ port: undefined, wsPort: 0, tlsPort: 8883 })
    expect(config.broker.tls).toEqual({ certFile: pem('one-cert'), keyFile: pem('one-key') })
  })

  test('every wrong setting is named at once', () => {
    const env = {
      MQTT_PORT: 'yes',
      HTTP_PORT: '-1',
      LOG_LEVEL: 'loud',
      SITE_TIME_ZONE: 'Mars/Olympus',
      SITE_CURRENCY: 'rupiah',
      SCALAR_TOPICS: 'panel/{device}',
      SCALAR_METRICS: 'volt',
      BOOTSTRAP_ADMIN_KEY: 'short',
    }
    expect([...wrongSettings(env)].sort()).toEqual(Object.keys(env).sort())
  })

  test.each([
    ['short', 'short'],
    ['one that a header does not carry', `${'k7 '.repeat(20)}abcdefghijkl`],
    ['no chance in it', 'abcabcabc'.repeat(5)],
  ])("an admin key of one's own has 32 random characters: %s", (_, key) => {
    expect(wrongSettings({ BOOTSTRAP_ADMIN_KEY: key })).toEqual(['BOOTSTRAP_ADMIN_KEY'])
  })

  test('HTTPS is on where there is a certificate, and HTTP may be off then', () => {
    expect(load({}).api).toMatchObject({ port: 8080, tlsPort: undefined })
    expect(load(tls('one-cert', 'one-key')).api).toMatchObject({ port: 8080, tlsPort: 8443 })
    const only = load({ HTTP_PORT: 'off', ...tls('one-cert', 'one-key') })
    expect(only.api).toMatchObject({ port: undefined, tlsPort: 8443 })
    expect(wrongSettings({ HTTP_PORT: 'off' })).toEqual(['HTTP_PORT'])
    expect(wrongSettings({ HTTP_PORT: 'off', HTTPS_PORT: 'off', ...tls('one-cert', 'one-key') })).toEqual(['HTTP_PORT'])
  })

  test('the authorities of client certificates are certificates of authorities, and need MQTT over TLS', () => {
    const own = tls('one-cert', 'one-key')
    const ca = (name: string) => ({ MQTT_CLIENT_CA_FILE: `test/broker/certificates/${name}.pem` })
    expect(load({ ...own, ...ca('devices-ca') }).broker.clientCaFile).toContain('devices-ca.pem')
    for (const wrong of ['meter1-cert', 'one-key', 'nothing'])
      expect(wrongSettings({ ...own, ...ca(wrong) })).toEqual(['MQTT_CLIENT_CA_FILE'])
    expect(wrongSettings(ca('devices-ca'))).toEqual(['MQTT_CLIENT_CA_FILE'])
    expect(wrongSettings({ ...own, ...ca('devices-ca'), MQTTS_PORT: 'off' })).toEqual(['MQTT_CLIENT_CA_FILE'])
  })

  test('settings that contradict each other are named', () => {
    expect(wrongSettings({ TLS_CERT_FILE: 'c.pem' })).toEqual(['TLS_KEY_FILE'])
    expect(wrongSettings({ LOG_MAX_BYTES: String(2 ** 26), LOG_SEGMENT_BYTES: String(2 ** 26) })).toEqual([
      'LOG_SEGMENT_BYTES',
    ])
  })

  test.each([
    ['is missing', tls('one-cert', 'none'), ['TLS_KEY_FILE']],
    ['is missing twice', tls('none', 'none'), ['TLS_CERT_FILE', 'TLS_KEY_FILE']],
    ['is the wrong one of the two', tls('one-key', 'one-cert'), ['TLS_CERT_FILE', 'TLS_KEY_FILE']],
    ['is no PEM', { ...tls('one-cert', 'one-key'), TLS_CERT_FILE: 'package.json' }, ['TLS_CERT_FILE']],
    ['belongs to another', tls('one-cert', 'two-key'), ['TLS_KEY_FILE']],
  ])('a TLS file that %s is a wrong setting', (_, env, wrong) => expect(wrongSettings(env)).toEqual(wrong))

  test('a password has no place in an address that is logged, and is not shown where it is wrong', () => {
    const env = { INFLUX_URL: 'http://user:secret@influx:8086' }
    expect(wrongSettings(env)).toEqual(['INFLUX_URL'])
    expect(() => load(env)).not.toThrow(/secret/)
  })

  test('every setting says what it means', () => {
    expect(settingsMarkdown()).not.toMatch(/\| \.? ?\|$/m)
  })

  test('docs/settings.md and .env.example say what the schemas say', () => {
    expect(readFileSync('docs/settings.md', 'utf8')).toContain(settingsMarkdown())
    expect(readFileSync('.env.example', 'utf8')).toBe(settingsEnvFile())
  })
})
