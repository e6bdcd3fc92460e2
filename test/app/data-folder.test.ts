import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { findRunning, openDataFolder } from '../../app/data-folder.ts'

const parent = mkdtempSync(join(tmpdir(), 'pelbiot-data-'))
afterAll(() => rmSync(parent, { recursive: true }))

test('a folder that is in use is refused, with the process that uses it, and free again after release', () => {
  const path = join(parent, 'one')
  const first = openDataFolder(path)
  first.announce({ pid: 42, httpUrl: 'http://127.0.0.1:8080', certFile: null, mqttPort: 1883, key: 'k' })
  expect(findRunning(path)?.pid).toBe(42)
  expect(() => openDataFolder(path)).toThrow(/another platform uses it \(process 42/)
  first.release()
  expect(findRunning(path)).toBeUndefined()
  openDataFolder(path).release()
})

test('the secret is made once, kept, and readable by its owner only', () => {
  const path = join(parent, 'two')
  const first = openDataFolder(path)
  first.release()
  const second = openDataFolder(path)
  expect(second.secret).toEqual(first.secret)
  expect(statSync(join(path, 'secret.key')).mode & 0o777).toBe(0o600)
  second.release()
})

test('a secret that is gone while the state it belongs to is there is an error, not a new secret', () => {
  const path = join(parent, 'three')
  openDataFolder(path).release()
  writeFileSync(join(path, 'state.sqlite'), '')
  rmSync(join(path, 'secret.key'))
  expect(() => openDataFolder(path)).toThrow(/secret\.key/)
})

test('a damaged secret and a folder that cannot be made are clear errors', () => {
  const path = join(parent, 'four')
  openDataFolder(path).release()
  writeFileSync(join(path, 'secret.key'), 'short')
  expect(() => openDataFolder(path)).toThrow(/5 bytes instead of 32/)
  writeFileSync(join(parent, 'file'), '')
  // A file is no folder, whether the system says so when it is made or when something is made in it.
  expect(() => openDataFolder(join(parent, 'file'))).toThrow(/data folder .*file failed/)
  expect(() => openDataFolder(join(parent, 'file', 'below'))).toThrow(/make data folder/)
  if (existsSync('/proc/self')) expect(() => openDataFolder('/proc/no-such-folder')).toThrow(/make data folder/)
})

test('a state that is gone while a log or readings made with it are there is an error, not a new state', () => {
  const path = join(parent, 'five')
  openDataFolder(path).release()
  openDataFolder(path).release()
  writeFileSync(join(path, 'log', '00000000000000000000.log'), '')
  expect(() => openDataFolder(path)).toThrow(/state\.sqlite is missing beside log/)
})
