import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

/** Programs that real tests drive, and the Debian package that carries each. */
export const debianPackageOf = {
  curl: 'curl',
  mosquitto: 'mosquitto',
  mosquitto_pub: 'mosquitto-clients',
  mosquitto_sub: 'mosquitto-clients',
  strace: 'strace',
  chromium: 'chromium',
  influxd: 'influxdb',
  'victoria-metrics': 'victoria-metrics',
  'redis-server': 'redis-server',
} as const

export type Tool = keyof typeof debianPackageOf

/** Set by `npm test` where it can install everything: there a missing tool is a failure, not a reason to skip. */
export const requireToolsVariable = 'TEST_REQUIRE_TOOLS'

// Debian puts servers into /usr/sbin, which an ordinary user's PATH leaves out.
const alwaysSearched = ['/usr/local/sbin', '/usr/sbin', '/usr/local/bin', '/usr/bin']

/** The program's path, or undefined when it is not installed. */
export function findTool(tool: Tool, searchPath = process.env['PATH'] ?? ''): string | undefined {
  const folders = [...searchPath.split(':').filter((folder) => folder !== ''), ...alwaysSearched]
  return folders.map((folder) => join(folder, tool)).find(isExecutable)
}

export function missingTools(): Tool[] {
  return (Object.keys(debianPackageOf) as Tool[]).filter((tool) => findTool(tool) === undefined)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
