import { readFileSync } from 'node:fs'

/** The kernel's unit in /proc/{pid}/stat; 100 a second on every Linux that Node supports. */
const msPerTick = 10

/** Processor time that the process has used, all threads, ms. Linux. */
export function cpuTimeMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name in parentheses may contain anything; utime and stime are the 12th and 13th fields behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * msPerTick
}

export interface MemoryMb {
  readonly rss: number
  /** Without mapped files, which the system can take back at any time. */
  readonly rssAnon: number
}

export function memoryMb(pid: number): MemoryMb {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const of = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1_024
  return { rss: of('VmRSS'), rssAnon: of('RssAnon') }
}
