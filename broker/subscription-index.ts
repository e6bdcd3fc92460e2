import type { AedesPublishPacket } from 'aedes'

export type Deliver = (packet: AedesPublishPacket, done: () => void) => void

interface Node {
  readonly children: Map<string, Node>
  readonly delivers: Set<Deliver>
}

/**
 * Topic filters of the connections that are here, and who is to be called for them: a trie of levels. `+` matches one
 * level, also an empty one; `#` matches any number of levels, also none [MQTT-4.7.1-2].
 */
export class SubscriptionIndex {
  readonly #root = newNode()

  add(filter: string, deliver: Deliver): void {
    let node = this.#root
    for (const level of filter.split('/')) {
      let child = node.children.get(level)
      if (child === undefined) {
        child = newNode()
        node.children.set(level, child)
      }
      node = child
    }
    node.delivers.add(deliver)
  }

  remove(filter: string, deliver: Deliver): void {
    removeFrom(this.#root, filter.split('/'), 0, deliver)
  }

  /** Each once, though several of its filters match. */
  match(topic: string): Set<Deliver> {
    const found = new Set<Deliver>()
    collect(this.#root, topic.split('/'), 0, found)
    return found
  }
}

function newNode(): Node {
  return { children: new Map(), delivers: new Set() }
}

function collect(node: Node, levels: readonly string[], depth: number, found: Set<Deliver>): void {
  const rest = node.children.get('#')
  if (rest !== undefined) for (const deliver of rest.delivers) found.add(deliver)
  const level = levels[depth]
  if (level === undefined) {
    for (const deliver of node.delivers) found.add(deliver)
    return
  }
  const same = node.children.get(level)
  if (same !== undefined) collect(same, levels, depth + 1, found)
  const any = node.children.get('+')
  if (any !== undefined) collect(any, levels, depth + 1, found)
}

/** True when the node holds nothing any more and its parent may drop it. */
function removeFrom(node: Node, levels: readonly string[], depth: number, deliver: Deliver): boolean {
  const level = levels[depth]
  if (level === undefined) node.delivers.delete(deliver)
  else {
    const child = node.children.get(level)
    if (child !== undefined && removeFrom(child, levels, depth + 1, deliver)) node.children.delete(level)
  }
  return node.children.size === 0 && node.delivers.size === 0
}
