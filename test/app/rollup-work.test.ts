import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createRollupWork } from '../../app/rollup-work.ts'

const minuteMs = 60_000
const noon = Date.parse('2026-11-23T12:00:00Z')

/** Answers each question by the next of `answers`; resolves `over` with all questions once they are used up. */
function scripted(answers: readonly (number | 'done' | 'fails')[]) {
  const asked: [beforeMs: number, what: string][] = []
  const over = Promise.withResolvers<typeof asked>()
  const rollUp = async (beforeMs: number, what: string) => {
    const answer = answers[asked.length]
    asked.push([beforeMs, what])
    if (asked.length === answers.length) over.resolve([...asked])
    if (answer === 'fails') throw new Error('store is down')
    return typeof answer === 'number' ? { untilMs: answer } : undefined
  }
  return { rollUp, over: over.promise }
}

async function questionsOf(answers: readonly (number | 'done' | 'fails')[]) {
  const { rollUp, over } = scripted(answers)
  const logger = pino({ level: 'silent' })
  const work = createRollupWork(
    { firstMs: 1, everyMs: 1 },
    { readings: { rollUp }, clock: { now: () => noon }, logger },
  )
  work.start()
  const asked = await over
  await work.stop()
  return asked
}

test('a round goes on step by step until nothing is left, a quarter of an hour behind', async () => {
  const asked = await questionsOf([noon - 3, noon - 2, 'done'])
  expect(asked).toEqual(Array.from({ length: 3 }, () => [noon - 15 * minuteMs, 'all']))
})

test('every fourth round looks at what has changed, also after rounds that failed', async () => {
  const asked = await questionsOf(['fails', 'done', noon - 1, 'fails', 'done', 'done'])
  expect(asked.map(([, what]) => what)).toEqual(['all', 'new', 'new', 'new', 'new', 'all'])
})
