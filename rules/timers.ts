/** Something that wants to be woken; it is in the heap at most once. */
export interface Timed {
  /** Engine time; Infinity while it is not waiting. Written by Timers alone. */
  dueMs: number
  /** Written by Timers alone. */
  heapIndex: number
  /** Together unlike any other's: what is due at the same time has one order, however it got here. */
  readonly deviceNumber: number
  readonly subject: string
  /** It is time; may set itself again, later than `nowMs`. */
  onDue(nowMs: number): void
}

/** What is due next: a binary heap whose items know where they are, so that each is in it once. */
export class Timers {
  readonly #heap: Timed[] = []

  /** Infinity: nothing waits. */
  get nextMs(): number {
    return this.#heap[0]?.dueMs ?? Number.POSITIVE_INFINITY
  }

  /** Infinity: no longer. */
  set(item: Timed, dueMs: number): void {
    if (dueMs === item.dueMs) return
    const waits = item.dueMs !== Number.POSITIVE_INFINITY
    item.dueMs = dueMs
    if (dueMs === Number.POSITIVE_INFINITY) this.#remove(item)
    else {
      if (!waits) {
        item.heapIndex = this.#heap.length
        this.#heap.push(item)
      }
      this.#settle(item)
    }
  }

  /** Takes out the next one; undefined: nothing waits. */
  pop(): Timed | undefined {
    const first = this.#heap[0]
    if (first !== undefined) this.set(first, Number.POSITIVE_INFINITY)
    return first
  }

  #remove(item: Timed): void {
    const last = this.#heap.pop()
    if (last === undefined || last === item) return
    last.heapIndex = item.heapIndex
    this.#heap[item.heapIndex] = last
    this.#settle(last)
  }

  #settle(item: Timed): void {
    const heap = this.#heap
    let at = item.heapIndex
    for (let up = heap[(at - 1) >> 1]; at > 0 && up !== undefined && before(item, up); up = heap[(at - 1) >> 1]) {
      heap[at] = up
      up.heapIndex = at
      at = (at - 1) >> 1
    }
    for (;;) {
      const left = heap[2 * at + 1]
      const right = heap[2 * at + 2]
      const down = right !== undefined && left !== undefined && before(right, left) ? right : left
      if (down === undefined || !before(down, item)) break
      const next = down.heapIndex
      heap[at] = down
      down.heapIndex = at
      at = next
    }
    heap[at] = item
    item.heapIndex = at
  }
}

function before(a: Timed, b: Timed): boolean {
  if (a.dueMs !== b.dueMs) return a.dueMs < b.dueMs
  if (a.deviceNumber !== b.deviceNumber) return a.deviceNumber < b.deviceNumber
  return a.subject < b.subject
}
