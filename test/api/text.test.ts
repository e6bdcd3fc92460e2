import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { csvLine } from '../../api/csv.ts'
import { createTurns } from '../../api/turns.ts'

/** A reader of RFC 4180 that has nothing to do with the writer. */
function parseCsv(text: string): string[] {
  const cells = [...text.replace(/\r\n$/, '').matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)]
  return cells.map(([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? '')
}

describe('a line of CSV', () => {
  test.each([
    ['=1+2', "'=1+2"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['  =1', "'  =1"],
    ['\t=1', "'\t=1"],
    ['\rx', "'\rx"],
    ['\nx', "'\nx"],
    ['＝1', "'＝1"],
    ['\u200b=1', "'\u200b=1"],
    ['a=1', 'a=1'],
    ['a, "b"', 'a, "b"'],
    ['2026-11-23', '2026-11-23'],
    ['', ''],
  ])('shows %j as %j', (cell, shown) => expect(parseCsv(csvLine([cell]))).toEqual([shown]))

  test('gives every cell back, but for the quote that keeps it from being a formula', () => {
    const cell = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('"', '""', ',', '=', "'", '\r\n'))
    fc.assert(
      fc.property(fc.array(cell, { minLength: 1 }), (cells) => {
        const read = parseCsv(csvLine(cells))
        expect(read.map((shown, i) => (shown === cells[i] ? shown : shown.slice(1)))).toEqual(cells)
        for (const shown of read) expect(shown).not.toMatch(/^[\s\p{Cf}]*[=+\-@]/u)
      }),
    )
  })

  test('has numbers bare and nothing for null', () => expect(csvLine([-1.5, null, 'x'])).toBe('-1.5,,"x"\r\n'))
})

describe('long walks', () => {
  test('run so many at once, and one that breaks off or is left gives its turn back', async () => {
    const inTurn = createTurns(2)
    let running = 0
    async function* walk(fails: boolean) {
      running++
      try {
        expect(running).toBeLessThanOrEqual(2)
        for (let i = 0; i < 3; i++) yield i
        if (fails) throw new Error('broken')
      } finally {
        running--
      }
    }
    const whole = async (fails: boolean) => (await Array.fromAsync(inTurn(() => walk(fails)))).length
    const left = async () => {
      for await (const i of inTurn(() => walk(false))) if (i === 1) break
    }
    const results = await Promise.allSettled([whole(false), whole(true), left(), whole(true), left(), whole(false)])
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ])
    expect(running).toBe(0)
    // One that is never asked for anything holds no turn.
    for (let i = 0; i < 5; i++) inTurn(() => walk(false))
    expect(await whole(false)).toBe(3)
  })
})
