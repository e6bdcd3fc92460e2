import { randomBytes } from 'node:crypto'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLibrary } from '../../api/auth/better-auth.ts'
import { type Harness, startApi } from './harness.ts'

let api: Harness
beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api.stop())

test('our migrations have every table and column that the account library writes', async () => {
  const config = {
    publicUrl: null,
    secureCookies: false,
    oidc: null,
    sessionDays: 7,
    secret: randomBytes(32).toString('hex'),
  }
  const deps = { tables: api.state.accountTables, maySignIn: async () => true, logger: pino({ level: 'silent' }) }
  const { explicitSchemaCheck } = await createLibrary(config, deps).$context
  const complaint = await Promise.resolve(explicitSchemaCheck?.()).then(
    () => '',
    (error: unknown) => String(error),
  )
  const listed = complaint.split('\n').filter((line) => /^ {4}\w+\.\w+$/.test(line))
  // It never writes a picture, and people are not made by it.
  expect(listed.map((line) => line.trim())).toEqual(['people.image', 'people.email', 'people.language'])
})
