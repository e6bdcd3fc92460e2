import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { asvsLines } from './asvs-lines.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(`${root}/docs/security-asvs.md`, 'utf8')

/** Of each verdict: whether a test is named that shows it. */
const verdicts: Readonly<Record<string, boolean>> = {
  met: true,
  differs: false,
  yours: false,
  none: false,
  open: false,
}

/** Rows of the page's tables: number, level, what it asks, verdict, how and where it is tested. */
const rows = [...page.matchAll(/^\| (\d+\.\d+\.\d+) \| ([12]) \| (.+?) \| (\w+) \| (.+) \|$/gm)].map(
  ([, number = '', level = '', asks = '', verdict = '', how = '']) => ({ number, level, asks, verdict, how }),
)

interface Citation {
  readonly file: string
  /** Of tests in it. */
  readonly names: readonly string[]
}

/** `test/api/access.real.test.ts` "a name", "another". */
function citationsOf(text: string): Citation[] {
  return [...text.matchAll(/`(test\/[^`]+)`((?:,? "[^"]+")*)/g)].map(([, file = '', names = '']) => ({
    file,
    names: [...names.matchAll(/"([^"]+)"/g)].map(([, name = '']) => name),
  }))
}

test('the lines are those of the release: 70 of level 1, 183 of level 2, 92 of level 3', () => {
  expect([1, 2, 3].map((level) => asvsLines.filter((line) => line.level === level).length)).toEqual([70, 183, 92])
})

describe('the table', () => {
  test('has every line of levels 1 and 2, once, in order, with its level', () => {
    const wanted = asvsLines.filter(({ level }) => level < 3).map(({ number, level }) => `${number} L${level}`)
    expect(rows.map(({ number, level }) => `${number} L${level}`)).toEqual(wanted)
  })

  test.each(rows.map((row) => [row.number, row] as const))('%s: a verdict, and what stands behind it', (_, row) => {
    expect(Object.keys(verdicts)).toContain(row.verdict)
    const cited = citationsOf(row.how)
    if (verdicts[row.verdict]) expect(cited).not.toEqual([])
    // Without a test there is a reason, in words.
    else expect(row.how.length).toBeGreaterThanOrEqual(15)
    for (const { file, names } of cited) {
      expect([file, existsSync(`${root}/${file}`)]).toEqual([file, true])
      const text = readFileSync(`${root}/${file}`, 'utf8').replaceAll("\\'", "'")
      expect(names.filter((name) => !text.includes(name))).toEqual([])
    }
  })

  test('says how many lines have each verdict', () => {
    for (const verdict of Object.keys(verdicts)) {
      const count = rows.filter((row) => row.verdict === verdict).length
      expect(page).toMatch(new RegExp(`^\\| \\*\\*${verdict}\\*\\* \\| ${count} \\|`, 'm'))
    }
  })
})
