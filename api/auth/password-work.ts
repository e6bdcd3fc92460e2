import PQueue from 'p-queue'
import { HttpProblem } from '../problem.ts'

/** A password's hash takes a tenth of a second and more of a core, and 32 MB, on purpose; more at once would only be slower each. */
const atOnce = 2
const maxWaiting = 30

/** Bounds what strangers can make the platform compute; beyond it they are asked to come again. */
export type PasswordWork = <Result>(work: () => Promise<Result>) => Promise<Result>

export function createPasswordWork(): PasswordWork {
  const queue = new PQueue({ concurrency: atOnce })
  return (work) => {
    if (queue.size < maxWaiting) return queue.add(work)
    const detail = 'too many passwords are being checked just now'
    throw new HttpProblem('rate_limited', detail, { headers: { 'retry-after': '2' } })
  }
}

/** As the account library hashes it: scrypt, with a salt of its own. */
export async function hashPassword(password: string): Promise<string> {
  const { hashPassword: hash } = await import('better-auth/crypto')
  return hash(password)
}
