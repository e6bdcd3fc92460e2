import { describe, expect, test } from 'vitest'
import { summarise } from './summary.ts'

const suite = (status: string, ...tests: string[]) => ({
  name: 'a.test.ts',
  status,
  assertionResults: tests.map((each) => ({ status: each })),
})

const report = (passed: number, failed: number, pending: number, ...testResults: object[]) => ({
  numPassedTests: passed,
  numFailedTests: failed,
  numPendingTests: pending,
  numTodoTests: 0,
  testResults,
})

describe('the count of a test run', () => {
  test('adds up what passed, failed and was skipped', () => {
    const good = summarise(report(2, 0, 1, suite('passed', 'passed', 'passed', 'pending')), 0)
    expect(good).toEqual({ passed: 2, failed: 0, skipped: 1, complaints: [] })
    const bad = summarise(report(1, 1, 0, suite('failed', 'passed', 'failed')), 1)
    expect(bad).toMatchObject({ passed: 1, failed: 1, complaints: [] })
  })

  test('a file that does not load is a failure', () => {
    const counted = summarise(report(1, 0, 0, suite('passed', 'passed'), suite('failed')), 1)
    expect(counted).toMatchObject({ passed: 1, failed: 1 })
    expect(counted.complaints).toEqual(['failed outside its tests: a.test.ts'])
  })

  test('no test at all is a failure', () => {
    expect(summarise(report(0, 0, 0), 0).failed).toBe(1)
  })

  test('an exit code that no failed test explains is a failure', () => {
    expect(summarise(report(1, 0, 0, suite('passed', 'passed')), 1).failed).toBe(1)
  })

  test('a run without a report is a failure', () => {
    expect(summarise(undefined, 137).failed).toBe(1)
  })
})
