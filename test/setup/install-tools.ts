import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { forbidServerStart } from './forbid-server-start.ts'
import { debianPackageOf, missingTools } from './tools.ts'

export interface ToolsOutcome {
  readonly missing: readonly string[]
  /**
   * Why a test may be skipped here. Undefined where everything can be installed: on a Debian, as root, unless opted
   * out by `TEST_INSTALL=0`; there a test that cannot run is a failure.
   */
  readonly maySkip: string | undefined
}

/** Installs what the real tests need where that is ours to do, and says what it installs. */
export async function installTools(say: (line: string) => void): Promise<ToolsOutcome> {
  const maySkip = whyNotToInstall()
  const wanted = missingTools()
  if (maySkip !== undefined || wanted.length === 0) return { missing: wanted, maySkip }

  const packages = [...new Set(wanted.map((tool) => debianPackageOf[tool]))]
  say(`installing for the tests (TEST_INSTALL=0 opts out): ${packages.join(' ')}`)
  await forbidServerStart(async () => {
    const install = ['install', '-y', '--no-install-recommends', ...packages]
    if ((await aptGet(install)) === 0) return
    // A fresh machine has no package lists yet.
    await aptGet(['update'])
    await aptGet(install)
  })
  return { missing: missingTools(), maySkip }
}

function whyNotToInstall(): string | undefined {
  if (process.env['TEST_INSTALL'] === '0') return 'TEST_INSTALL=0'
  if (!isDebian()) return 'not a Debian'
  return process.getuid?.() === 0 ? undefined : 'not root'
}

function isDebian(): boolean {
  try {
    return /^ID(_LIKE)?=.*debian/m.test(readFileSync('/etc/os-release', 'utf8'))
  } catch {
    return false
  }
}

function aptGet(args: readonly string[]): Promise<number> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const child = spawn('apt-get', ['-q', ...args], { env, stdio: ['ignore', 'inherit', 'inherit'] })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? 1))
  })
}
