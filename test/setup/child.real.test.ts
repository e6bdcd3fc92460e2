import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { startChild } from './child.ts'
import { makeTempFolder } from './temp-folder.ts'
import { waitUntil } from './wait.ts'

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
const forever = 'setInterval(() => {}, 1000)'

test.each(['SIGTERM', 'SIGINT'] as const)(
  'a process that ends by %s takes its children and its folders with it',
  async (signal) => {
    using folder = makeTempFolder('parent')
    const parentCode = `
      import { startChild } from '${import.meta.dirname}/child.ts'
      import { makeTempFolder } from '${import.meta.dirname}/temp-folder.ts'
      const child = startChild(process.execPath, ['-e', '${forever}'])
      console.log(JSON.stringify({ pid: child.pid, path: makeTempFolder('orphan').path }))
      ${forever}
    `
    const options = { cwd: folder.path }
    const parent = startChild(process.execPath, ['--input-type=module', '-e', parentCode], options)
    const { pid, path } = await parent.waitFor((line) => (line.startsWith('{') ? JSON.parse(line) : undefined), 20_000)
    expect([runs(pid), existsSync(path)]).toEqual([true, true])
    expect(await parent.kill(signal)).toEqual({ code: null, signal })
    await waitUntil('the child to be gone', () => !runs(pid))
    expect(existsSync(path)).toBe(false)
  },
)

test('waiting for a line of a child that ends without it fails with what it said', async () => {
  const child = startChild(process.execPath, ['-e', 'console.error("no such luck"); process.exit(3)'])
  await expect(child.waitFor((line) => (line === 'ready' ? line : undefined), 20_000)).rejects.toThrow(
    /ended with 3\nno such luck/,
  )
  expect(await child.exited).toEqual({ code: 3, signal: null })
})

test('a program that does not exist ends at once, and says so', async () => {
  const child = startChild('/no/such/program', [])
  expect(await child.exited).toEqual({ code: null, signal: null })
  expect(child.output()).toContain('start /no/such/program failed')
})
