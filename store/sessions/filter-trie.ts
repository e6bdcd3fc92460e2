/**
 * Topic filters by level, each with what its holders say of it. Empty levels are levels like others [MQTT-4.7.1-3].
 */
export class FilterTrie<Holder, Value> {
  readonly #root = new TrieNode<Holder, Value>()
  #size = 0

  /** Pairs of filter and holder. */
  get size(): number {
    return this.#size
  }

  /** A holder's filter added again has the new value. */
  add(filter: string, holder: Holder, value: Value): void {
    let node = this.#root
    for (const level of filter.split('/')) node = node.childOrNew(level)
    node.values ??= new Map()
    if (!node.values.has(holder)) this.#size++
    node.values.set(holder, value)
  }

  remove(filter: string, holder: Holder): void {
    if (remove(this.#root, filter.split('/'), 0, holder)) this.#size--
  }

  match(topic: string, visit: (holder: Holder, value: Value) => void): void {
    if (this.#size === 0) return
    const hidden = topic.startsWith('$')
    visitMatches({ levels: topic.split('/'), hidden, visit }, this.#root, 0)
  }
}

class TrieNode<Holder, Value> {
  children: Map<string, TrieNode<Holder, Value>> | undefined
  values: Map<Holder, Value> | undefined

  get isEmpty(): boolean {
    return (this.children?.size ?? 0) === 0 && (this.values?.size ?? 0) === 0
  }

  childOrNew(level: string): TrieNode<Holder, Value> {
    this.children ??= new Map()
    let child = this.children.get(level)
    if (child === undefined) {
      child = new TrieNode()
      this.children.set(level, child)
    }
    return child
  }
}

interface Search<Holder, Value> {
  readonly levels: readonly string[]
  /** The topic begins with $: a wildcard in the first place does not match it [MQTT-4.7.2-1]. */
  readonly hidden: boolean
  readonly visit: (holder: Holder, value: Value) => void
}

function visitMatches<Holder, Value>(search: Search<Holder, Value>, node: TrieNode<Holder, Value>, depth: number) {
  const { levels, visit } = search
  const wild = !(search.hidden && depth === 0)
  // The # stands for its parent level too: a/# matches a.
  if (wild) visitAll(node.children?.get('#'), visit)
  const level = levels[depth]
  if (level === undefined) {
    visitAll(node, visit)
    return
  }
  const one = wild ? node.children?.get('+') : undefined
  if (one !== undefined) visitMatches(search, one, depth + 1)
  // + and # are no topic levels, but they are children.
  const exact = level === '+' || level === '#' ? undefined : node.children?.get(level)
  if (exact !== undefined) visitMatches(search, exact, depth + 1)
}

function visitAll<Holder, Value>(
  node: TrieNode<Holder, Value> | undefined,
  visit: (holder: Holder, value: Value) => void,
): void {
  if (node?.values === undefined) return
  for (const [holder, value] of node.values) visit(holder, value)
}

/** Removes the nodes that this leaves empty, too. */
function remove<Holder, Value>(
  node: TrieNode<Holder, Value>,
  levels: readonly string[],
  depth: number,
  holder: Holder,
): boolean {
  const level = levels[depth]
  if (level === undefined) return node.values?.delete(holder) ?? false
  const child = node.children?.get(level)
  if (child === undefined) return false
  const removed = remove(child, levels, depth + 1, holder)
  if (child.isEmpty) node.children?.delete(level)
  return removed
}

/** Whether a filter matches a topic: the trie's answer for one filter and many topics. */
export function filterMatcher(filter: string): (topic: string) => boolean {
  const levels = filter.split('/')
  const open = levels.at(-1) === '#'
  const fixed = open ? levels.slice(0, -1) : levels
  const wildFirst = levels[0] === '+' || levels[0] === '#'
  return (topic) => {
    if (wildFirst && topic.startsWith('$')) return false
    const parts = topic.split('/')
    if (open ? parts.length < fixed.length : parts.length !== fixed.length) return false
    return fixed.every((level, i) => level === '+' || level === parts[i])
  }
}
