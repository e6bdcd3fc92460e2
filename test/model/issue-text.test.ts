import { expect, test } from 'vitest'
import { z } from 'zod'
import { issueText } from '../../model/index.ts'

test.each([
  [z.string(), undefined, 'is missing'],
  [z.enum(['a', 'b']), undefined, 'is missing'],
  [z.union([z.int(), z.literal('off')]), undefined, 'is missing'],
  [z.string(), 1, 'must be a string'],
  [z.number(), 'one', 'must be a number'],
  [z.int(), 1.5, 'must be a whole number'],
  [z.boolean(), 1, 'must be true or false'],
  [z.array(z.int()), {}, 'must be a list'],
  [z.strictObject({}), [], 'must be an object'],
  [z.null(), 1, 'must be null'],
  [z.enum(['a', 'b', 'c']), 'd', 'must be a, b or c'],
  [z.literal('a'), 'd', 'must be a'],
  [z.int().min(1), 0, 'must be at least 1'],
  [z.int().max(5), 6, 'must be at most 5'],
  [z.number().positive(), 0, 'must be more than 0'],
  [z.number().lt(5), 5, 'must be less than 5'],
  [z.number().multipleOf(5), 4, 'must be a multiple of 5'],
  [z.string().min(1), '', 'must not be empty'],
  [z.string().min(8), 'short', 'must have at least 8 characters'],
  [z.string().max(2), 'long', 'must have at most 2 characters'],
  [z.array(z.int()).min(1), [], 'must not be empty'],
  [z.array(z.int()).max(1), [1, 2], 'must have at most 1 items'],
  [z.iso.datetime(), 'now', 'must be a time as of RFC 3339'],
  [z.string().regex(/a/), 'b', 'must be of another form'],
  [z.string().regex(/a/, 'must have an a'), 'b', 'must have an a'],
  [z.strictObject({}), { a: 1, b: 2 }, 'has unknown fields: a, b'],
  [
    z.record(z.string().regex(/a/, 'must have an a'), z.int()),
    { b: 1 },
    'has a name that cannot be: it must have an a',
  ],
  [z.union([z.int(), z.literal('off')]), 'abc', 'must be a number or off'],
  [
    z.union([z.strictObject({ a: z.int() }), z.strictObject({ b: z.int() })]),
    { a: 'x' },
    'is none of its possible forms',
  ],
  [z.string().refine((text) => text === 'a'), 'b', 'is wrong'],
] as const)('%# what is wrong is said in words', (schema, value, text) => {
  const parsed = schema.safeParse(value, { error: issueText })
  expect(parsed.error?.issues.map(({ message }) => message)).toEqual([text])
})
