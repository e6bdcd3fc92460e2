import { describe, expect, test } from 'vitest'
import { createTogether } from '../../../store/readings/duckdb/together.ts'

interface Begun {
  readonly questions: readonly string[]
  end(error?: Error): void
}

/** Begins when it is told to, and doubles what it is asked. */
function held(most = 10) {
  const waiting: (() => Begun)[] = []
  const together = createTogether<string, string>({
    most,
    likeness: (question) => question.slice(0, 1),
    answer: (begin) =>
      new Promise((resolve, reject) => {
        waiting.push(() => {
          const questions = begin()
          const end = (error?: Error) => (error ? reject(error) : resolve(questions.map((one) => one + one)))
          return { questions, end }
        })
      }),
  })
  const turn = () => new Promise(setImmediate)
  return { together, waiting, turn }
}

describe('questions that wait', () => {
  test('are answered together with those like them, each with its own answer', async () => {
    const { together, waiting, turn } = held()
    const asked = ['a1', 'b1', 'a2', 'a1'].map((question) => together.ask(question))
    await turn()
    const [a, b] = waiting.map((begin) => begin())
    expect([a?.questions, b?.questions]).toEqual([['a1', 'a2', 'a1'], ['b1']])
    a?.end()
    b?.end()
    expect(await Promise.all(asked)).toEqual(['a1a1', 'b1b1', 'a2a2', 'a1a1'])
  })

  test('do not join what has begun', async () => {
    const { together, waiting, turn } = held()
    const first = together.ask('a1')
    await turn()
    const begun = waiting[0]?.()
    const second = together.ask('a2')
    await turn()
    const next = waiting[1]?.()
    expect([begun?.questions, next?.questions]).toEqual([['a1'], ['a2']])
    begun?.end()
    next?.end()
    expect(await Promise.all([first, second])).toEqual(['a1a1', 'a2a2'])
  })

  test('are not more than may be together', async () => {
    const { together, waiting, turn } = held(2)
    const asked = ['a1', 'a2', 'a3'].map((question) => together.ask(question))
    await turn()
    const begun = waiting.map((begin) => begin())
    expect(begun.map(({ questions }) => questions)).toEqual([['a1', 'a2'], ['a3']])
    for (const { end } of begun) end()
    expect(await Promise.all(asked)).toEqual(['a1a1', 'a2a2', 'a3a3'])
  })

  test('fail together, and the next ones are asked anew', async () => {
    const { together, waiting, turn } = held()
    const asked = Promise.allSettled([together.ask('a1'), together.ask('a2')])
    await turn()
    waiting[0]?.().end(new Error('no reader'))
    expect((await asked).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    const again = together.ask('a1')
    await turn()
    waiting[1]?.().end()
    expect(await again).toBe('a1a1')
  })

  test('are refused where nothing can begin, and hold up nobody', async () => {
    let refusing = true
    const together = createTogether<string, string>({
      most: 10,
      likeness: () => 'all',
      answer: async (begin) => {
        if (refusing) throw new Error('too many wait')
        return begin()
      },
    })
    await expect(together.ask('a1')).rejects.toThrow('too many wait')
    refusing = false
    expect(await together.ask('a1')).toBe('a1')
  })
})
