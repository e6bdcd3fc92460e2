import { type ChildExit, type ChildOptions, startChild } from './child.ts'

export interface ProgramResult extends ChildExit {
  /** Both outputs. */
  readonly output: string
  readonly stdout: string
}

/** Runs a program to its end; kills it when that takes too long. */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: ChildOptions & { readonly timeoutMs?: number } = {},
): Promise<ProgramResult> {
  const child = startChild(command, args, options)
  const timer = setTimeout(() => void child.kill('SIGKILL'), options.timeoutMs ?? 30_000)
  const exit = await child.exited
  clearTimeout(timer)
  return { ...exit, output: child.output(), stdout: child.stdout() }
}
