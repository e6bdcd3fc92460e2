const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

// One per process, as the process is: child processes and folders must not outlive it.
const work = new Set<() => void>()

/**
 * Runs `undo` (synchronous) when this process ends, by itself or by a signal, unless the returned function has called
 * it off before. A SIGKILL runs nothing.
 */
export function atProcessEnd(undo: () => void): () => void {
  if (work.size === 0) {
    process.on('exit', undoAll)
    for (const signal of signals) process.on(signal, undoAllAndDie)
  }
  work.add(undo)
  return () => {
    work.delete(undo)
    if (work.size === 0) stopListening()
  }
}

function undoAll(): void {
  for (const undo of [...work].reverse()) undo()
  work.clear()
}

function undoAllAndDie(signal: NodeJS.Signals): void {
  undoAll()
  stopListening()
  process.kill(process.pid, signal)
}

function stopListening(): void {
  process.off('exit', undoAll)
  for (const signal of signals) process.off(signal, undoAllAndDie)
}
