import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runProgram } from '../setup/run-program.ts'
import { type Platform, startPlatform } from './platform.ts'

const cli = join(resolve(dirname(fileURLToPath(import.meta.url)), '..', '..'), 'app', 'pelbiot.js')

async function verify({ dataDir }: Platform, ...options: string[]) {
  const env = { ...process.env, DATA_DIR: dataDir }
  const { code, stdout } = await runProgram(process.execPath, [cli, 'audit', 'verify', ...options], { env })
  return { code, stdout }
}

test('the audit log is verified while the platform runs and while it does not, and tampering is told', async () => {
  await using platform = await startPlatform()
  await platform.client.createDevice({ id: 'meter-1', profileId: 'meter-1ph' })
  const running = await verify(platform, '--json')
  expect(running.code).toBe(0)
  const { head, ...rest } = JSON.parse(running.stdout)
  expect(rest).toEqual({ intact: true, checked: head.id, removedThrough: 0, fault: null })
  expect(await verify(platform, '--expect', head.hash)).toMatchObject({ code: 0 })
  expect((await verify(platform, '--expect', 'nonsense')).code).toBe(2)

  await platform.stop()
  const { code, stdout } = await verify(platform, '--expect', head.hash)
  expect([code, stdout]).toEqual([
    0,
    expect.stringMatching(/^intact: \d+ rows\nnewest row \d+\ncheckpoint [0-9a-f]{64}$/),
  ])
  const checkpoints = readFileSync(join(platform.dataDir, 'audit-checkpoints.jsonl'), 'utf8')
  expect(checkpoints).toContain(stdout.slice(-64))
  expect(platform.log()).toContain(stdout.slice(-64))

  const database = new DatabaseSync(join(platform.dataDir, 'state.sqlite'))
  database.exec("drop trigger audit_update; update audit set principal_id = 'nobody' where id = 3")
  database.close()
  expect(await verify(platform)).toEqual({
    code: 1,
    stdout: 'not intact: row 3 changed: its hash is not that of what it says',
  })
  await platform.start()
  const told = await verify(platform, '--json')
  expect([told.code, JSON.parse(told.stdout)]).toMatchObject([1, { intact: false, fault: { what: 'changed', id: 3 } }])
})

test('an end that was cut off without a trace is missed, for it was written down', async () => {
  await using platform = await startPlatform()
  await platform.stop()
  const database = new DatabaseSync(join(platform.dataDir, 'state.sqlite'))
  database.exec(`drop trigger audit_delete; delete from audit where id > 10;
    update counters set value = 10 where name = 'audit'`)
  database.close()
  const { code, stdout } = await verify(platform)
  expect([code, stdout]).toEqual([1, expect.stringMatching(/^not intact: row 11 missing: row \d+ was recorded/)])
})
