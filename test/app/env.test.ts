import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { loadEnvironment, readSettings, type Setting } from '../../app/env.ts'
import { AppError } from '../../model/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'pelbiot-env-'))
afterAll(() => rmSync(folder, { recursive: true }))

const settings: readonly Setting[] = [
  { name: 'MQTT_PORT', schema: z.int().min(0).max(65_535).default(1883) },
  { name: 'HOST', schema: z.string().default('0.0.0.0') },
  { name: 'ADMIN_KEY', schema: z.string().min(8).optional(), secret: true },
  { name: 'VERBOSE', schema: z.boolean().default(false) },
]

function failureOf(act: () => unknown): AppError {
  try {
    act()
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
  throw new Error('expected a failure')
}

test('text becomes what the schema takes, and what is not set its default', () => {
  expect(readSettings(settings, { MQTT_PORT: '0', VERBOSE: 'true', ADMIN_KEY: '12345678' })).toEqual({
    MQTT_PORT: 0,
    HOST: '0.0.0.0',
    ADMIN_KEY: '12345678',
    VERBOSE: true,
  })
  expect(readSettings(settings, { MQTT_PORT: '' })).toMatchObject({ MQTT_PORT: 1883 })
})

test('all wrong settings are named at once, and a secret is not shown', () => {
  const error = failureOf(() =>
    readSettings(settings, { MQTT_PORT: '70000', VERBOSE: 'perhaps', ADMIN_KEY: 'hunter2' }),
  )
  expect(error.fields.map(({ field }) => field)).toEqual(['MQTT_PORT', 'ADMIN_KEY', 'VERBOSE'])
  expect(error.fields[0]?.message).toBe('must be at most 65535 (is "70000")')
  expect(JSON.stringify(error.fields)).not.toContain('hunter2')
})

test('a secret may come from a file, and a file that is missing is an error', () => {
  const file = join(folder, 'key')
  writeFileSync(file, 'from-a-file\n')
  expect(readSettings(settings, { ADMIN_KEY_FILE: file })).toMatchObject({ ADMIN_KEY: 'from-a-file' })
  const error = failureOf(() => readSettings(settings, { ADMIN_KEY_FILE: join(folder, 'none') }))
  expect(error.fields.map(({ field }) => field)).toEqual(['ADMIN_KEY_FILE'])
})

test('.env gives way to the real environment and holds nothing unknown', () => {
  const file = join(folder, '.env')
  writeFileSync(file, 'MQTT_PORT=1\nHOST=127.0.0.1\n')
  expect(loadEnvironment({ MQTT_PORT: '2' }, file, settings)).toEqual({ MQTT_PORT: '2', HOST: '127.0.0.1' })
  writeFileSync(file, 'MQTT_PROT=1\n')
  expect(failureOf(() => loadEnvironment({}, file, settings)).fields.map(({ field }) => field)).toEqual(['MQTT_PROT'])
})
