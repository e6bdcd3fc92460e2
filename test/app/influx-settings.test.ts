import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../app/config.ts'
import { isAppError } from '../../model/index.ts'
import { makeTempFolder } from '../setup/temp-folder.ts'

const url = 'http://127.0.0.1:8086'
const load = (env: Record<string, string>) => loadConfig(env, '/nonexistent/.env')

function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    load(env)
  } catch (error) {
    if (isAppError(error)) return error.fields.map(({ field, message }) => `${field} ${message}`)
    throw error
  }
  return []
}

describe('the settings of InfluxDB', () => {
  test('are none by default', () => {
    expect(load({}).influxdb).toBeUndefined()
  })

  test('need no more than an address', () => {
    expect(load({ INFLUX_URL: url }).influxdb).toEqual({ url, timeoutMs: 15_000 })
  })

  test.each([
    ['1.x', { INFLUX_USERNAME: 'u', INFLUX_PASSWORD: 'p', INFLUX_DATABASE: 'd', INFLUX_RETENTION_POLICY: 'r' }],
    ['2.x', { INFLUX_TOKEN: 't', INFLUX_ORG: 'o', INFLUX_BUCKET: 'b' }],
    ['3.x', { INFLUX_TOKEN: 't', INFLUX_DATABASE: 'd' }],
  ])('of %s are taken together', (_, env) => {
    expect(faultsOf({ INFLUX_URL: url, ...env })).toEqual([])
  })

  test('take secrets from files', () => {
    using folder = makeTempFolder('influx-settings')
    const file = join(folder.path, 'token')
    writeFileSync(file, 'from-file\n')
    expect(load({ INFLUX_URL: url, INFLUX_TOKEN_FILE: file, INFLUX_DATABASE: 'd' }).influxdb?.token).toBe('from-file')
  })

  test.each([
    [{ INFLUX_TOKEN: 't', INFLUX_DATABASE: 'd' }, ['INFLUX_DATABASE', 'INFLUX_TOKEN'], /nothing without INFLUX_URL/],
    [{ INFLUX_URL: 'influx.example' }, ['INFLUX_URL'], /not an http or https URL/],
    [{ INFLUX_URL: 'ftp://influx.example' }, ['INFLUX_URL'], /not an http or https URL/],
    [{ INFLUX_URL: 'http://me:secret@127.0.0.1' }, ['INFLUX_URL'], /INFLUX_USERNAME/],
    [{ INFLUX_URL: `${url}/?db=x` }, ['INFLUX_URL'], /behind its path/],
    [{ INFLUX_URL: url, INFLUX_BUCKET: 'b' }, ['INFLUX_ORG', 'INFLUX_TOKEN'], /missing beside/],
    [{ INFLUX_URL: url, INFLUX_ORG: 'o' }, ['INFLUX_ORG'], /nothing without INFLUX_BUCKET/],
    [{ INFLUX_URL: url, INFLUX_USERNAME: 'u' }, ['INFLUX_PASSWORD'], /missing beside/],
    [{ INFLUX_URL: url, INFLUX_PASSWORD: 'p' }, ['INFLUX_USERNAME'], /missing beside/],
    [
      { INFLUX_URL: url, INFLUX_BUCKET: 'b', INFLUX_ORG: 'o', INFLUX_TOKEN: 't', INFLUX_DATABASE: 'd' },
      ['INFLUX_DATABASE'],
      /exclude each other/,
    ],
    [
      { INFLUX_URL: url, INFLUX_TOKEN: 't', INFLUX_USERNAME: 'u', INFLUX_PASSWORD: 'p' },
      ['INFLUX_TOKEN'],
      /exclude each other/,
    ],
  ])('that contradict each other are all named: %j', (env, fields, says) => {
    const faults = faultsOf(env)
    expect(faults.map((fault) => fault.split(' ')[0])).toEqual(fields)
    for (const fault of faults) expect(fault).toMatch(says)
  })

  test('do not print a secret', () => {
    expect(faultsOf({ INFLUX_URL: url, INFLUX_PASSWORD: 'sesame' }).join()).not.toContain('sesame')
  })
})
