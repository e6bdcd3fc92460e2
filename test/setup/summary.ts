import { z } from 'zod'

/** The part of Vitest's JSON report that is counted. */
const reportSchema = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  numPendingTests: z.int(),
  numTodoTests: z.int().default(0),
  testResults: z.array(
    z.object({ name: z.string(), status: z.string(), assertionResults: z.array(z.object({ status: z.string() })) }),
  ),
})

export interface Summary {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** Why the run is not good although no test failed. */
  readonly complaints: readonly string[]
}

/** `report` undefined: Vitest ended without one. */
export function summarise(report: unknown, exitCode: number): Summary {
  const parsed = reportSchema.safeParse(report)
  if (!parsed.success) return { passed: 0, failed: 1, skipped: 0, complaints: ['Vitest left no report'] }
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = parsed.data
  const unloaded = testResults.filter(
    (suite) => suite.status === 'failed' && !suite.assertionResults.some((result) => result.status === 'failed'),
  )
  const complaints = unloaded.map((suite) => `failed outside its tests: ${suite.name}`)
  let failed = numFailedTests + unloaded.length
  if (numPassedTests + failed === 0) {
    complaints.push('no test ran')
    failed = 1
  } else if (exitCode !== 0 && failed === 0) {
    complaints.push(`Vitest exited with ${exitCode} although no test failed`)
    failed = 1
  }
  return { passed: numPassedTests, failed, skipped: numPendingTests + numTodoTests, complaints }
}
