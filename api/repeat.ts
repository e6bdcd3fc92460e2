import type { NamedRequest } from '../store/state/index.ts'

/**
 * The changes of one request that names itself. Those of an earlier attempt, whose answer was lost, are not made again:
 * their results stand in for them, in the same order.
 */
export class Repeat {
  readonly request: NamedRequest
  /** Answers of its principal that went for this one. */
  madeRoom = 0
  readonly #results: unknown[]
  #next = 0

  constructor(request: NamedRequest, results: readonly unknown[]) {
    this.request = request
    this.#results = [...results]
  }

  /** Whether the next change has been made already. */
  get isMade(): boolean {
    return this.#next < this.#results.length
  }

  /** What it resulted in. */
  take(): unknown {
    return unwrap(this.#results[this.#next++])
  }

  /** All results with that of one more change, as they are to be kept. */
  with(result: unknown): readonly unknown[] {
    return [...this.#results, wrap(result)]
  }

  /** The change is committed. */
  add(result: unknown): void {
    this.#results.push(wrap(result))
    this.#next++
  }
}

// JSON knows no undefined, which is what most changes result in.
function wrap(result: unknown): { readonly value?: unknown } {
  return result === undefined ? {} : { value: result }
}

function unwrap(kept: unknown): unknown {
  return typeof kept === 'object' && kept !== null && 'value' in kept ? kept.value : undefined
}
