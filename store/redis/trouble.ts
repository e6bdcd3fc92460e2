/** Replies that say something about the server, by their first word. */
const replies: Readonly<Record<string, string>> = {
  NOAUTH: 'it wants a password, and the URL has none',
  WRONGPASS: 'it knows no such user and password',
  NOPERM: 'its user may not do what is needed',
  READONLY: 'it takes no writes: it is a replica',
  OOM: 'it is full: maxmemory is reached and nothing may be evicted',
  MISCONF: 'it takes no writes because it cannot save to its disk',
  LOADING: 'it is still loading its data',
  MASTERDOWN: 'it is a replica that has lost its primary',
  NOREPLICAS: 'it takes no writes without its replicas',
  CLUSTERDOWN: 'its cluster is down',
  MOVED: 'it is a node of a cluster, which is not supported',
}

/** Why Redis cannot be used, in words. */
export function troubleOf(error: unknown, deadlineMs: number): string {
  const message = error instanceof Error ? error.message : String(error)
  if (/DB index is out of range/.test(message)) return 'it has no database of that number'
  if (message === 'Command timed out') return `it does not answer within ${deadlineMs} ms`
  return replies[message.split(' ', 1)[0] ?? ''] ?? message
}
