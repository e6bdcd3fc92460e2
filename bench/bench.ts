/** What a benchmark is: its arguments in, its figures out. It fails by rejecting. */
export interface BenchRun {
  readonly args: readonly string[]
  /** Progress, for people. */
  say(line: string): void
}

export type Bench = (run: BenchRun) => Promise<Readonly<Record<string, unknown>>>
