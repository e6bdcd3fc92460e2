import { describe, test } from 'vitest'
import { findTool, requireToolsVariable, type Tool } from './tools.ts'

/** A tool's path; throws where a test should have been skipped instead (see `describeWith`). */
export function toolPath(tool: Tool): string {
  const path = findTool(tool)
  if (path === undefined) throw new Error(`find ${tool} failed: not installed`)
  return path
}

/**
 * `describe` for tests that need programs which may not be installed. Without them the suite is skipped and says why;
 * under `npm test` on a Debian that installs them, their absence is a failure.
 */
export function describeWith(tools: readonly Tool[], name: string, tests: () => void): void {
  const missing = tools.filter((tool) => findTool(tool) === undefined)
  describeUnless(missing.length === 0 ? undefined : `${missing.join(', ')} not installed`, name, tests)
}

/** `describe` for tests that need root, a mount or the like: skipped with the reason, or failed where all is required. */
export function describeUnless(reason: string | undefined, name: string, tests: () => void): void {
  if (reason === undefined) {
    describe(name, tests)
    return
  }
  describe(name, () => {
    test(`needs what this machine lacks: ${reason}`, (context) => {
      if (process.env[requireToolsVariable] === '1') throw new Error(reason)
      context.skip(reason)
    })
  })
}
