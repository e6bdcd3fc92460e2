/** A stretch of what was read, of a chunk in which nothing changes any more but its end. */
export interface Lasting {
  /** Of the chunk, as long as that is so. */
  readonly key: string
  /** Index of the first of them in the chunk: it stays. */
  readonly from: number
  readonly length: number
  /** So many of them, from the first on, are as they will stay. */
  readonly final: number
}
