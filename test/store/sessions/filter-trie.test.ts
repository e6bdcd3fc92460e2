import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FilterTrie, filterMatcher } from '../../../store/sessions/filter-trie.ts'

/** MQTT 3.1.1, 4.7, word by word. */
function matches(filter: string, topic: string): boolean {
  if (/^[+#]/.test(filter) && topic.startsWith('$')) return false
  const pattern = filter
    .split('/')
    .map((level) => (level === '+' ? '[^/]*' : level.replace(/[$^.*?()[\]{}|\\+]/g, '\\$&')))
    .join('/')
  if (filter === '#') return true
  const source = pattern.endsWith('/#') ? `${pattern.slice(0, -2)}(/.*)?` : pattern
  return new RegExp(`^${source}$`, 's').test(topic)
}

const level = fc.constantFrom('', 'a', 'b', '$x', 'ä', '.')
const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'))
const filter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 0, maxLength: 4 }), fc.boolean())
  .map(([levels, open]) => [...levels, ...(open || levels.length === 0 ? ['#'] : [])].join('/'))

function found(trie: FilterTrie<string, number>, name: string): string[] {
  const holders: string[] = []
  trie.match(name, (holder, value) => holders.push(`${holder}:${value}`))
  return holders.sort()
}

describe('topic filters', () => {
  test.each([
    ['a/b/', 'a/b/+', true],
    ['a/b', 'a/b/+', false],
    ['a/b', 'a/b/#', true],
    ['a/b/', 'a/b/#', true],
    ['/a', '+/a', true],
    ['/a', '/+', true],
    ['/a', '+', false],
    ['$SYS/x', '#', false],
    ['$SYS/x', '+/x', false],
    ['$SYS/x', '$SYS/#', true],
    ['a/$x', 'a/+', true],
    ['a//b', 'a/+/b', true],
  ])('%s and %s: %s', (name, pattern, expected) => {
    expect(filterMatcher(pattern)(name)).toBe(expected)
    const trie = new FilterTrie<string, number>()
    trie.add(pattern, 'x', 1)
    expect(found(trie, name)).toEqual(expected ? ['x:1'] : [])
  })

  test('match in the trie and one by one as the standard says', () => {
    fc.assert(
      fc.property(fc.uniqueArray(filter, { maxLength: 8 }), topic, (filters, name) => {
        const trie = new FilterTrie<string, number>()
        for (const [i, pattern] of filters.entries()) trie.add(pattern, pattern, i)
        const expected = filters.flatMap((pattern, i) => (matches(pattern, name) ? [`${pattern}:${i}`] : [])).sort()
        expect(found(trie, name)).toEqual(expected)
        expect(filters.filter((pattern) => filterMatcher(pattern)(name)).sort()).toEqual(
          filters.filter((pattern) => matches(pattern, name)).sort(),
        )
      }),
    )
  })

  test('that were removed match no more, and leave nothing behind', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(filter, fc.constantFrom('x', 'y'))), topic, (pairs, name) => {
        const trie = new FilterTrie<string, number>()
        for (const [pattern, holder] of pairs) trie.add(pattern, holder, 1)
        expect(trie.size).toBe(new Set(pairs.map((pair) => pair.join('\0'))).size)
        for (const [pattern, holder] of pairs) trie.remove(pattern, holder)
        expect(trie.size).toBe(0)
        expect(found(trie, name)).toEqual([])
        expect(JSON.stringify(trie)).toBe(JSON.stringify(new FilterTrie()))
      }),
    )
  })

  test('added again have their new value', () => {
    const trie = new FilterTrie<string, number>()
    trie.add('a/+', 'x', 1)
    trie.add('a/+', 'x', 2)
    expect(trie.size).toBe(1)
    expect(found(trie, 'a/b')).toEqual(['x:2'])
  })
})
