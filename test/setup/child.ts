import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { atProcessEnd } from './at-process-end.ts'

export interface ChildExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface ChildOptions {
  readonly env?: NodeJS.ProcessEnv
  readonly cwd?: string
  /** Written to its standard input, which is then closed. */
  readonly input?: string
}

/** A program under test: its lines are kept for the failure message, and it never outlives this process. */
export interface Child {
  readonly pid: number
  readonly exited: Promise<ChildExit>
  readonly running: boolean
  /** The last lines of both outputs, in the order they came. */
  output(): string
  /** Standard output alone, from its last 64 KiB of lines. */
  stdout(): string
  /** The first line for which `find` gives something; rejects when the child ends first or the time is over. */
  waitFor<T>(find: (line: string) => T | undefined, timeoutMs: number): Promise<T>
  /** Resolves when it has ended. */
  kill(signal: NodeJS.Signals): Promise<ChildExit>
}

const keptCharacters = 64 * 1024

export function startChild(command: string, args: readonly string[], options: ChildOptions = {}): Child {
  const process_ = spawn(command, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const callOff = atProcessEnd(() => process_.kill('SIGKILL'))
  const all = keepTail()
  const out = keepTail()
  const listeners = new Set<(line: string) => void>()
  let running = true

  const onLine = (line: string) => {
    all.push(line)
    for (const listener of listeners) listener(line)
  }
  createInterface({ input: process_.stdout }).on('line', (line) => {
    out.push(line)
    onLine(line)
  })
  createInterface({ input: process_.stderr }).on('line', onLine)
  // A child that ends before it read its input closes the pipe.
  process_.stdin.on('error', () => {})
  process_.stdin.end(options.input ?? '')

  const exited = new Promise<ChildExit>((resolve) => {
    const ended = (exit: ChildExit) => {
      running = false
      callOff()
      resolve(exit)
    }
    process_.once('error', (error) => {
      all.push(`start ${command} failed: ${error.message}`)
      ended({ code: null, signal: null })
    })
    // `close` and not `exit`: by then its last lines have been read.
    process_.once('close', (code, signal) => ended({ code, signal }))
  })

  return {
    pid: process_.pid ?? -1,
    exited,
    get running() {
      return running
    },
    output: all.text,
    stdout: out.text,
    waitFor(find, timeoutMs) {
      for (const line of all.text().split('\n')) {
        const found = find(line)
        if (found !== undefined) return Promise.resolve(found)
      }
      return new Promise((resolve, reject) => {
        const fail = (why: string) => {
          finish()
          reject(new Error(`wait for a line of ${command} failed: ${why}\n${all.text()}`))
        }
        const timer = setTimeout(() => fail(`none in ${timeoutMs} ms`), timeoutMs)
        const listener = (line: string) => {
          const found = find(line)
          if (found === undefined) return
          finish()
          resolve(found)
        }
        const finish = () => {
          clearTimeout(timer)
          listeners.delete(listener)
        }
        listeners.add(listener)
        exited.then(({ code, signal }) => {
          if (listeners.has(listener)) fail(`it ended with ${signal ?? code}`)
        })
      })
    },
    kill(signal) {
      process_.kill(signal)
      return exited
    },
  }
}

function keepTail() {
  const lines: string[] = []
  let size = 0
  return {
    push(line: string) {
      lines.push(line)
      size += line.length
      while (size > keptCharacters && lines.length > 1) size -= lines.shift()?.length ?? 0
    },
    text: () => lines.join('\n'),
  }
}
