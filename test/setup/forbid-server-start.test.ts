import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { forbidServerStart } from './forbid-server-start.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pelbiot-policy-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const filesIn = (path: string) => ({ policy: join(path, 'policy-rc.d'), kept: join(path, 'kept') })

describe('forbidding server starts for the time of an install', () => {
  test('a policy that exits 101 is there meanwhile, and none afterwards', async () => {
    const files = filesIn(folder)
    const during = await forbidServerStart(async () => readFileSync(files.policy, 'utf8'), files)
    expect(during).toContain('exit 101')
    expect(existsSync(files.policy)).toBe(false)
  })

  test("the machine's own policy comes back with its mode, also when the work fails", async () => {
    const files = filesIn(folder)
    writeFileSync(files.policy, 'own', { mode: 0o750 })
    await expect(forbidServerStart(() => Promise.reject(new Error('apt')), files)).rejects.toThrow('apt')
    expect(readFileSync(files.policy, 'utf8')).toBe('own')
    expect(statSync(files.policy).mode & 0o777).toBe(0o750)
  })

  test('what a killed run left behind is cleared up by the next', async () => {
    const files = filesIn(folder)
    writeFileSync(files.policy, 'own')
    const killed = forbidServerStart(() => new Promise<void>(() => {}), files)
    expect(existsSync(files.kept)).toBe(true)
    void killed
    await forbidServerStart(async () => {}, files)
    expect(readFileSync(files.policy, 'utf8')).toBe('own')
    expect(existsSync(files.kept)).toBe(false)
  })
})
