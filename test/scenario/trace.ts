import { readFileSync } from 'node:fs'
import { type Child, startChild } from '../setup/child.ts'
import { toolPath } from '../setup/require-tool.ts'
import { makeTempFolder } from '../setup/temp-folder.ts'

/** One system call as strace saw it; lines of the trace are the clock. */
export interface SystemCall {
  readonly name: string
  /** What the file descriptor is: a path, or `socket:[…]`. */
  readonly target: string
  /** What was written. */
  readonly bytes: Buffer
  readonly begin: number
  /** Where it returned; infinite when it had not until the end. */
  end: number
  failed: boolean
}

export interface Trace {
  stop(): Promise<readonly SystemCall[]>
}

const attachTimeoutMs = 20_000
const traced = 'fdatasync,fsync,write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg'

/** Attaches strace to all threads of the process. `inject` is strace's own word, for instance `fdatasync:delay_enter=…`. */
export async function startTrace(pid: number, inject?: string): Promise<Trace> {
  const folder = makeTempFolder('trace')
  const file = `${folder.path}/trace`
  const what = [
    '-e',
    'signal=none',
    '-e',
    `trace=${traced}`,
    ...(inject === undefined ? [] : ['-e', `inject=${inject}`]),
  ]
  const child: Child = startChild(toolPath('strace'), [
    '-f',
    '-y',
    '-xx',
    '-s',
    '1000000',
    '-o',
    file,
    ...what,
    '-p',
    `${pid}`,
  ])
  try {
    await child.waitFor((line) => (line.includes(`Process ${pid} attached`) ? line : undefined), attachTimeoutMs)
  } catch (error) {
    folder.remove()
    throw error
  }
  return {
    async stop() {
      await child.kill('SIGINT')
      const calls = parseTrace(readFileSync(file, 'latin1'))
      folder.remove()
      return calls
    },
  }
}

/** Reads what `strace -f -y -xx` writes; a call that another thread interrupts is put together again. */
export function parseTrace(text: string): SystemCall[] {
  const calls: SystemCall[] = []
  const unfinished = new Map<string, SystemCall>()
  text.split('\n').forEach((line, number) => {
    const [, thread = '', rest = ''] = /^(\d+)\s+(.*)$/.exec(line) ?? []
    if (/^<\.\.\. \w+ resumed>/.test(rest)) {
      const call = unfinished.get(thread)
      if (call === undefined) return
      unfinished.delete(thread)
      call.end = number
      call.failed = hasFailed(rest)
      return
    }
    const [, name, target] = /^(\w+)\(\d+<([^>]*)>/.exec(rest) ?? []
    if (name === undefined || target === undefined) return
    const interrupted = rest.endsWith('<unfinished ...>')
    const strings = [...rest.matchAll(/"([^"]*)"/g)].map(([, hex = '']) => unescapeHex(hex))
    const call: SystemCall = {
      name,
      target: unescapeHex(target).toString(),
      bytes: Buffer.concat(strings),
      begin: number,
      end: interrupted ? Number.POSITIVE_INFINITY : number,
      failed: !interrupted && hasFailed(rest),
    }
    calls.push(call)
    if (interrupted) unfinished.set(thread, call)
  })
  return calls
}

function hasFailed(line: string): boolean {
  return !/= \d+( \(DELAYED\))?$/.test(line)
}

function unescapeHex(text: string): Buffer {
  return Buffer.from(text.replaceAll('\\x', ''), 'hex')
}
