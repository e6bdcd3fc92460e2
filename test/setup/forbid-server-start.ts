import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'

const marker = '# Put here by the tests of PELBIoT for the time of an install; safe to delete.'

export interface PolicyFiles {
  /** What Debian asks before it starts a server that was just installed. */
  readonly policy: string
  /** Where the machine's own policy waits meanwhile. */
  readonly kept: string
}

const debianFiles: PolicyFiles = { policy: '/usr/sbin/policy-rc.d', kept: '/usr/sbin/policy-rc.d.before-tests' }
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Installing a server on Debian starts it on its standard port, unless `policy-rc.d` exits 101. Resolves with the
 * work's result; what was there before is there again afterwards, also when a signal ends the work.
 */
export async function forbidServerStart<T>(work: () => Promise<T>, files = debianFiles): Promise<T> {
  restore(files)
  const onSignal = (signal: NodeJS.Signals) => {
    restore(files)
    stopListening()
    process.kill(process.pid, signal)
  }
  const stopListening = () => {
    for (const signal of signals) process.off(signal, onSignal)
  }
  for (const signal of signals) process.on(signal, onSignal)
  try {
    if (existsSync(files.policy)) renameSync(files.policy, files.kept)
    writeFileSync(files.policy, `#!/bin/sh\n${marker}\nexit 101\n`, { mode: 0o755 })
    return await work()
  } finally {
    restore(files)
    stopListening()
  }
}

/** Also clears up after a run that was killed before it could. */
function restore({ policy, kept }: PolicyFiles): void {
  if (existsSync(policy) && readFileSync(policy, 'utf8').includes(marker)) rmSync(policy)
  if (existsSync(kept)) renameSync(kept, policy)
}
