import type { Principal } from '../../model/index.ts'

/** A request that its sender may repeat: it names itself, and means the same thing under that name. */
export interface NamedRequest {
  readonly principal: Pick<Principal, 'kind' | 'id'>
  /** What the sender calls it; a secret, for it opens what is kept. */
  readonly name: string
  /** All that the request says. */
  readonly content: Uint8Array
}

/** What is known of a request of that name. */
export type KeptAnswer =
  /** The name belongs to a request that says something else. */
  | { readonly kind: 'another' }
  /** Its changes are committed, and this is what they resulted in; its answer was not kept, for instance because of a crash. */
  | { readonly kind: 'results'; readonly results: readonly unknown[] }
  | { readonly kind: 'answer'; readonly answer: unknown }

export interface AnswerQueries {
  /** Undefined: nothing is known of it, or no more. */
  find(request: NamedRequest): Promise<KeptAnswer | undefined>
}

/** Within a change: what it resulted in is known exactly if the change is. */
export interface AnswerWrites {
  /**
   * Keeps the results of a request, which have to survive JSON; each further change of it brings those before along.
   * `conflict` when another process has used the name meanwhile. Resolves with how many older ones made room.
   */
  keepResults(request: NamedRequest, results: readonly unknown[]): Promise<number>
}

/**
 * Answers to requests that name themselves. Each is encrypted with a key made of its name and the platform's secret,
 * for it may show a token, which is stored nowhere else. Kept for a day, and up to a bound of each principal.
 */
export interface AnswerStore extends AnswerQueries {
  /** Keeps the answer in place of the results. */
  keepAnswer(request: NamedRequest, answer: unknown): Promise<void>
  /** Removes what is older than a day; resolves with how many went. */
  trim(): Promise<number>
}
