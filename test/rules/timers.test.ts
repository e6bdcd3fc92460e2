import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Timed, Timers } from '../../rules/timers.ts'

const never = Number.POSITIVE_INFINITY
const item = (deviceNumber: number, subject: string): Timed => ({
  deviceNumber,
  subject,
  dueMs: never,
  heapIndex: 0,
  onDue: () => {},
})

test('hands out what is due first, and at the same time in one order, however often each was set', () => {
  const change = fc.record({ at: fc.nat(11), dueMs: fc.oneof(fc.nat(20), fc.constant(never)) })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 80 }), (changes) => {
      const timers = new Timers()
      const items = [1, 2, 3, 4].flatMap((number) => ['', 'a', 'b'].map((subject) => item(number, subject)))
      for (const { at, dueMs } of changes) {
        const one = items[at]
        if (one !== undefined) timers.set(one, dueMs)
      }
      const expected = items.filter(({ dueMs }) => dueMs !== never)
      expected.sort((a, b) => a.dueMs - b.dueMs || items.indexOf(a) - items.indexOf(b))
      expect(timers.nextMs).toBe(expected[0]?.dueMs ?? never)
      const popped: Timed[] = []
      for (let next = timers.pop(); next !== undefined; next = timers.pop()) popped.push(next)
      expect(popped.map((each) => items.indexOf(each))).toEqual(expected.map((each) => items.indexOf(each)))
      expect(timers.nextMs).toBe(never)
    }),
  )
})
