import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { HttpProblem, problemSchema } from '../../api/problem.ts'
import { AppError, errorCodes, isAppError } from '../../model/index.ts'

const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')

/** Rows of the page's tables: code, HTTP status, meaning, advice. */
const rows = [...page.matchAll(/^\| `(\w+)` \| (\d{3}) \| (.+?) \| (.+?) \|$/gm)].map(
  ([, code = '', status, meaning = '', advice = '']) => ({ code, status: Number(status), meaning, advice }),
)

describe('the error catalogue', () => {
  test('the page explains every code there is, once, and none that is not', () => {
    expect(rows.map((row) => row.code).toSorted()).toEqual(problemSchema.shape.code.options.toSorted())
    const catalogue = page.slice(page.indexOf('## The catalogue'), page.indexOf('## Only over HTTP'))
    expect([...catalogue.matchAll(/^\| `(\w+)`/gm)].map((match) => match[1])).toEqual([...errorCodes])
  })

  test.each(rows.map((row) => [row.code, row] as const))(
    '%s has the status of the API, a meaning and an advice',
    (_, row) => {
      const code = problemSchema.shape.code.parse(row.code)
      expect(row.status).toBe(new HttpProblem(code, '').status)
      expect(row.meaning).toMatch(/^[A-Z].{20,}\.$/)
      expect(row.advice).toMatch(/^[A-Z].{5,}\.$/)
    },
  )
})

describe('an AppError', () => {
  test('carries its code, whether trying again may help, the fields at fault and the cause', () => {
    const cause = new Error('disk')
    const fields = [{ field: 'name', message: 'is taken' }]
    const error = new AppError('conflict', 'create site main failed', { retryable: true, cause, fields })
    expect(error).toMatchObject({ name: 'AppError', code: 'conflict', retryable: true, fields, cause })
    const bare = new AppError('internal', 'add failed')
    expect(bare).toMatchObject({ retryable: false, fields: [] })
    expect('cause' in bare).toBe(false)
  })

  test('is told from other errors by its type, not by its looks', () => {
    const error: unknown = new AppError('not_found', 'get site x failed')
    expect(isAppError(error)).toBe(true)
    expect(isAppError(error, 'not_found')).toBe(true)
    expect(isAppError(error, 'conflict')).toBe(false)
    expect(isAppError(Object.assign(new Error('x'), { code: 'not_found' }))).toBe(false)
    expect(isAppError(undefined)).toBe(false)
  })
})
