import { expect, test } from 'vitest'
import { createKeptValues } from '../../../store/cache/index.ts'

test('what was not used for longest makes room, and what is too large is not kept', () => {
  const kept = createKeptValues<readonly number[]>({ maxSize: 4, sizeOf: (value) => value.length })
  kept.set('a', [1, 2])
  kept.set('b', [3, 4])
  kept.get('a')
  kept.set('c', [5])
  kept.set('d', [1, 2, 3, 4, 5])
  expect(['a', 'b', 'c', 'd'].map((key) => kept.get(key))).toEqual([[1, 2], undefined, [5], undefined])
})
