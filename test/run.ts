import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildBundle } from '../app/bundle/build.ts'
import { installTools } from './setup/install-tools.ts'
import { summarise } from './setup/summary.ts'
import { requireToolsVariable } from './setup/tools.ts'

/** `npm test [-- file filters and other arguments of Vitest]`; the last line counts everything. */

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')

const tools = await installTools((line) => console.log(line))
if (tools.missing.length > 0 && tools.maySkip !== undefined) {
  console.log(`tests that need ${tools.missing.join(', ')} are skipped, not installed: ${tools.maySkip}`)
}
// Scenarios run what an installation would.
await buildBundle()
const reportFolder = mkdtempSync(join(tmpdir(), 'pelbiot-test-'))
const reportFile = join(reportFolder, 'report.json')
const exitCode = await runVitest(process.argv.slice(2))
const { passed, failed, skipped, complaints } = summarise(readReport(), exitCode)
rmSync(reportFolder, { recursive: true, force: true })
for (const complaint of complaints) console.log(complaint)
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
process.exitCode = failed === 0 ? 0 : 1

function runVitest(filters: readonly string[]): Promise<number> {
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`]
  const child = spawn(process.execPath, [vitest, 'run', ...reporters, ...filters], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...(tools.maySkip === undefined ? { [requireToolsVariable]: '1' } : {}) },
  })
  // A signal from the terminal reaches Vitest as well; one sent to us alone is passed on, and the count still printed.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  return new Promise((done, fail) => {
    child.once('error', fail)
    child.once('exit', (code) => done(code ?? 1))
  })
}

function readReport(): unknown {
  try {
    return JSON.parse(readFileSync(reportFile, 'utf8'))
  } catch {
    return undefined
  }
}
